// Checks of JSON from outside, for the workflow sandbox, where zod would add half a megabyte to the bundle. Checks of objects
// are bound to a type: a field that the type has and the check lacks does not compile.
import { cutText } from './text.ts';

/** Returns what is wrong with `value`, as a sentence that begins with `path`; null if it is valid. */
export type Check = (value: unknown, path: string) => string | null;

export const isText: Check = (value, path) => (typeof value === 'string' ? null : expected(path, 'a string', value));
export const isBoolean: Check = (value, path) =>
  typeof value === 'boolean' ? null : expected(path, 'true or false', value);
export const isNumber: Check = (value, path) =>
  typeof value === 'number' && Number.isFinite(value) ? null : expected(path, 'a number', value);
/** Accepts milliseconds since 1970 that a `Date` can hold. */
export const isTime: Check = (value, path) =>
  typeof value === 'number' && Math.abs(value) <= DATE_MS_MAX ? null : expected(path, 'a time in milliseconds', value);
export const isAnything: Check = () => null;

export function isWholeNumber(min: number, max: number = Number.MAX_SAFE_INTEGER): Check {
  const atMost = max < Number.MAX_SAFE_INTEGER ? `, and at most ${max}` : '';
  return (value, path) =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max
      ? null
      : expected(path, `a whole number of at least ${min}${atMost}`, value);
}

export function isOneOf(...values: readonly string[]): Check {
  return (value, path) =>
    typeof value === 'string' && values.includes(value) ? null : expected(path, `one of ${values.join(', ')}`, value);
}

export function nullable(check: Check): Check {
  return (value, path) => (value === null ? null : check(value, path));
}

/** Accepts a missing field. */
export function optional(check: Check): Check {
  return (value, path) => (value === undefined ? null : check(value, path));
}

export function isList(check: Check): Check {
  return (value, path) => {
    if (!Array.isArray(value)) return expected(path, 'a list', value);
    for (const [at, item] of value.entries()) {
      const problem = check(item, `${path}[${at}]`);
      if (problem) return problem;
    }
    return null;
  };
}

/** Accepts an object with any keys. */
export function isRecord(check: Check): Check {
  return (value, path) => {
    if (!isObject(value)) return expected(path, 'an object', value);
    for (const [key, item] of Object.entries(value)) {
      const problem = check(item, `${path}.${cutText(key, NAME_CHARS)}`);
      if (problem) return problem;
    }
    return null;
  };
}

type Fields<T> = { readonly [K in keyof T]-?: Check };

/** Accepts an object with exactly these fields. */
export function isShape<T>(fields: Fields<T>): Check {
  const known = hasShape(fields);
  return (value, path) => {
    if (isObject(value))
      for (const key of Object.keys(value))
        if (!Object.hasOwn(fields, key) && value[key] !== undefined)
          return `${nameOf(path)} has no field ${JSON.stringify(cutText(key, NAME_CHARS))}. Its fields: ${Object.keys(fields).join(', ')}.`;
    return known(value, path);
  };
}

/** Accepts an object with these fields, and with unknown ones. */
export function hasShape<T>(fields: Fields<T>): Check {
  const checks = Object.entries<Check>(fields);
  return (value, path) => {
    if (!isObject(value)) return expected(path, 'an object', value);
    for (const [key, check] of checks) {
      const problem = check(value[key], path === '' ? key : `${path}.${key}`);
      if (problem) return problem;
    }
    return null;
  };
}

/** Accepts a value that passes one of the checks. The problem is that of the first. */
export function isEither(first: Check, ...others: readonly Check[]): Check {
  return (value, path) => {
    const problem = first(value, path);
    return problem !== null && others.every((check) => check(value, path) !== null) ? problem : null;
  };
}

const NAME_CHARS = 60;
/** The last time of a `Date`. */
const DATE_MS_MAX = 8.64e15;

/** Returns the path, or "The argument" for the value itself. */
function nameOf(path: string): string {
  return path === '' ? 'The argument' : path;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Names the kind of the value and not its content, which may be of any size and depth. */
function expected(path: string, what: string, value: unknown): string {
  return `${nameOf(path)} must be ${what}, not ${kindOf(value)}.`;
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'undefined';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return value.length <= NAME_CHARS ? JSON.stringify(value) : 'a long text';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
