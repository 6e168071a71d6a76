// Labels of a run: what lists are filtered by, such as its tenant. They are in the memo, and as `key=value` in a search attribute.
import { count, jsonBytes } from './text.ts';
import type { Labels } from './types.ts';

/** With an equals sign in a key, two labels could have one text. */
const KEY = /^[A-Za-z][A-Za-z0-9_.-]{0,62}$/;
const LABELS_MAX = 10;
const VALUE_CHARS_MAX = 128;
/** MySQL's index of the search attribute holds so many. */
const TEXT_CHARS_MAX = 255;
/** A server takes 2 KiB for one search attribute. */
const BYTES_MAX = 2_000;

/** Returns what is wrong with the labels, as a sentence; null if they are valid. */
export function labelsProblem(labels: unknown): string | null {
  if (typeof labels !== 'object' || labels === null || Array.isArray(labels))
    return 'labels must be an object of strings, such as { tenant: "acme" }.';
  const entries = Object.entries(labels);
  if (entries.length > LABELS_MAX) return `labels has ${entries.length} labels; at most ${LABELS_MAX} are allowed.`;
  for (const [key, value] of entries) {
    if (!KEY.test(key))
      return `labels has the key ${JSON.stringify(key)}. A key has 1 to 63 letters, digits and _ . - and begins with a letter.`;
    const problem = valueProblem(value);
    if (problem) return `labels.${key} ${problem}`;
    const { length } = labelText(key, value);
    if (length > TEXT_CHARS_MAX)
      return `labels.${key} is too long: capital letters and special characters count up to nine times each. It has ${length}; at most ${TEXT_CHARS_MAX} are allowed.`;
  }
  const bytes = jsonBytes(labelTexts(labels as Labels));
  return bytes <= BYTES_MAX ? null : `labels has ${count(bytes)} bytes; at most ${count(BYTES_MAX)} are allowed.`;
}

function valueProblem(value: unknown): string | null {
  if (typeof value !== 'string') return 'must be a string.';
  if (value === '' || value.length > VALUE_CHARS_MAX)
    return `must have 1 to ${VALUE_CHARS_MAX} characters; it has ${count(value.length)}.`;
  // A line break or an escape sequence would end up in lists and logs; a lone surrogate is no text.
  return /[\p{Cc}\p{Cs}]/u.test(value) ? 'must not have control characters.' : null;
}

/** Returns the labels as the search attribute has them, sorted. */
export function labelTexts(labels: Labels): string[] {
  return Object.entries(labels)
    .map(([key, value]) => labelText(key, value))
    .sort();
}

/**
 * SQLite and MySQL find `Acme` for `acme`, and a quotation mark or a backslash breaks a query of SQLite: what might, is spelled as in a
 * URL, with small letters, so that a query finds this label and no other one.
 */
function labelText(key: string, value: string): string {
  return `${spelled(key)}=${spelled(value)}`;
}

function spelled(text: string): string {
  return Array.from(text.toWellFormed(), (letter) => (/^[a-z0-9_.:@/-]$/.test(letter) ? letter : escaped(letter))).join(
    '',
  );
}

/** `encodeURIComponent` leaves capital letters and some marks as they are. */
function escaped(letter: string): string {
  const bytes =
    letter.length === 1 && letter < '\u0080' ? `%${letter.charCodeAt(0).toString(16)}` : encodeURIComponent(letter);
  return bytes.toLowerCase();
}

/** Returns the labels of a memo, which may hold anything. */
export function readLabels(given: unknown): Labels {
  return given !== undefined && labelsProblem(given) === null ? (given as Labels) : {};
}

/** Whether the labels include all of those wanted. */
export function hasLabels(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([key, value]) => Object.hasOwn(labels, key) && labels[key] === value);
}
