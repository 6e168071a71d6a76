// Text from models, tools and people, made safe for a terminal: it can move no cursor, change no title, hide nothing.
import { stripVTControlCharacters } from 'node:util';
import { oneLine } from '../../core/text.ts';

// Control characters but newline and tab; and those that turn text around or cannot be seen, so that what is read is
// what is there.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about.
const HARMFUL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** `text` without anything that a terminal would obey. It may have several lines. */
export function inert(text: string): string {
  return stripVTControlCharacters(text.replaceAll('\r\n', '\n')).replace(HARMFUL, '');
}

/** The same on one line, cut to so many characters. */
export function inertLine(text: string, maxChars: number): string {
  return oneLine(inert(text.slice(0, maxChars * 4 + 1_000)), maxChars);
}

/**
 * Arguments of a call, as JSON that a person decides about: what cannot be seen is written as JSON escapes it, so that
 * nothing of it is left out.
 */
export function inertJson(json: string): string {
  const line = json.replaceAll(/[\r\n\t]+/g, ' ');
  return line.replace(HARMFUL, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The same over several lines, a field on each; a text that is no JSON stays as it is. */
export function inertJsonLines(json: string): string[] {
  try {
    return JSON.stringify(JSON.parse(json), null, 2).split('\n').map(inertJson);
  } catch {
    return [inertJson(json)];
  }
}
