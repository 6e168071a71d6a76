// The arguments of a call for a person who decides about it. They are cut field by field, because what decides may be in the last
// one. A cut is marked in brackets that no argument has: its own are escaped.
import { count } from './text.ts';
import { escaped, visibleJson } from './visible.ts';

/** A value of at most so many characters of JSON is never cut. */
const SHORT_CHARS = 40;
/** The least that is shown of a longer one. */
const BEGINNING_CHARS = 16;
const NAME_CHARS_MAX = 64;
/** About what a mark takes. */
const MARK_CHARS = 30;

/**
 * Returns the JSON object `json`, as it was parsed, in about `maxChars` characters, or up to `mostChars` if it has many fields. If it
 * is longer, it is no JSON any more: every field has its name and the beginning of its value. Returns a text that is no JSON object,
 * such as one that was cut before, as it is.
 */
export function shownArguments(json: string, maxChars: number, mostChars = 4 * maxChars): string {
  const value = objectIn(json);
  if (!value) return json.length <= mostChars ? json : `${json.slice(0, mostChars).toWellFormed()}${mark('more')}`;
  const whole = jsonOf(value);
  if (whole.length <= maxChars) return whole;

  const fields = Object.entries(value).map(([name, field]) => ({
    name: nameOf(name),
    value: field,
    json: jsonOf(field),
  }));
  const isShort = (field: { readonly json: string }) => field.json.length <= SHORT_CHARS;
  const least = fields.reduce(
    (sum, field) => sum + field.name.length + 2 + (isShort(field) ? field.json.length : MARK_CHARS),
    0,
  );
  const long = fields.filter((field) => !isShort(field)).length;
  const room = Math.max(BEGINNING_CHARS, Math.floor((maxChars - least) / long));
  const shown: string[] = [];
  let chars = 0;
  for (const field of fields) {
    const text = `${field.name}:${isShort(field) ? field.json : beginning(field.value, room)}`;
    chars += text.length + 1;
    if (chars > mostChars) {
      const more = fields.length - shown.length;
      return `{${shown.join()},${mark(`${count(more)} more ${more === 1 ? 'field' : 'fields'}`)}}`;
    }
    shown.push(text);
  }
  return `{${shown.join()}}`;
}

function objectIn(json: string): object | null {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

function mark(text: string): string {
  return `⟨${text}⟩`;
}

/** JSON with escapes for letters that cannot be seen, and for the brackets of a mark: both can only be in its texts. */
function jsonOf(value: unknown): string {
  return visibleJson(JSON.stringify(value)).replace(/[⟨⟩]/g, escaped);
}

function nameOf(name: string): string {
  return beginningOfText(name, NAME_CHARS_MAX);
}

/** The beginning of a value: the first items of a list or object, and no part of a number. */
function beginning(value: unknown, room: number): string {
  if (typeof value === 'string') return beginningOfText(value, room);
  if (typeof value !== 'object' || value === null) return jsonOf(value);
  const names = Array.isArray(value) ? null : Object.keys(value);
  const items: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
  const shown: string[] = [];
  let left = room;
  for (let i = 0; i < items.length && left > 0; i++) {
    const name = names ? `${nameOf(names[i]!)}:` : '';
    const text = `${name}${beginning(items[i], Math.max(1, left - name.length))}`;
    shown.push(text);
    left -= text.length + 1;
  }
  const more = items.length - shown.length;
  const all = [...shown, ...(more > 0 ? [mark(`${count(more)} more`)] : [])].join();
  return names ? `{${all}}` : `[${all}]`;
}

function beginningOfText(text: string, room: number): string {
  if (text.length <= room) {
    const whole = jsonOf(text);
    if (whole.length <= Math.max(room, SHORT_CHARS)) return whole;
  }
  let json = '';
  let chars = 0;
  for (const letter of text) {
    const more = jsonOf(letter).slice(1, -1);
    if (json.length + more.length > room) break;
    json += more;
    chars += letter.length;
  }
  return `"${json}"${mark(`${count(text.length - chars)} more characters`)}`;
}
