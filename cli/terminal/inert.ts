// Makes text from models, tools and people safe for a terminal: it cannot move the cursor, change the title or hide text.
import { oneLine } from '../../core/text.ts';
import { visible, visibleJson } from '../../core/visible.ts';

// What a terminal executes: control sequences, strings such as a title, and other escapes. Not util.stripVTControlCharacters,
// whose cost grows with the square of the text: here, no part of one match can begin another.
const CONTROL_SEQUENCES =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the expression removes them.
  /(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b[P\]X^_]|[\x90\x98\x9d-\x9f])[^\x00-\x1f\x7f-\x9f]*(?:\x07|\x1b\\|\x9c)|\x1b[ -/]*[0-~]/g;

// Control characters except newline and tab, bidirectional controls, line separators and invisible characters. Emoji need
// two of the invisible ones.
const HARMFUL =
  /[\p{Cc}--[\n\t]]|[\p{Default_Ignorable_Code_Point}--[\ufe0e\ufe0f]]|[\p{Bidi_Control}\u2028\u2029\ufff9-\ufffb]/gv;

/** `text` without anything that a terminal would execute. It may have several lines. */
export function inert(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(CONTROL_SEQUENCES, '').replace(HARMFUL, '');
}

/** The same on one line, cut to `maxChars`. */
export function inertLine(text: string, maxChars: number): string {
  return oneLine(inert(text.slice(0, maxChars * 4 + 1_000)), maxChars);
}

/** An id as it is shown: on one line. To be typed, it goes into a command line (commandLine.ts). */
export function idText(id: string): string {
  return inertLine(id, 300);
}

/** Returns text for a person who decides about it: what would be removed elsewhere is escaped, so that nothing is hidden. */
export function inertQuestion(text: string): string {
  return visible(text.replaceAll('\r\n', '\n'));
}

/** Returns a call's arguments for a person who decides about them, with the escapes of JSON. */
export function inertJson(json: string): string {
  return visibleJson(json.replaceAll(/[\r\n\t]+/g, ' '));
}

/** The same, pretty-printed; text that is not JSON stays on one line. */
export function inertJsonLines(json: string): string[] {
  try {
    return JSON.stringify(JSON.parse(json), null, 2).split('\n').map(inertJson);
  } catch {
    return [inertJson(json)];
  }
}
