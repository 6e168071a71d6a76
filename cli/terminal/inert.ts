// Makes text from models, tools and people safe for a terminal: it cannot move the cursor, change the title or hide text.
import { stripVTControlCharacters } from 'node:util';
import { oneLine } from '../../core/text.ts';
import { visible, visibleJson } from '../../core/visible.ts';

// Control characters except newline and tab, bidirectional controls, and invisible characters.
// biome-ignore lint/suspicious/noControlCharactersInRegex: the expression removes them.
const HARMFUL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** `text` without anything that a terminal would execute. It may have several lines. */
export function inert(text: string): string {
  return stripVTControlCharacters(text.replaceAll('\r\n', '\n')).replace(HARMFUL, '');
}

/** The same on one line, cut to `maxChars`. */
export function inertLine(text: string, maxChars: number): string {
  return oneLine(inert(text.slice(0, maxChars * 4 + 1_000)), maxChars);
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
