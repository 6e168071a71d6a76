// Checks of JSON from outside, for the workflow sandbox, where zod would be half a megabyte of bundle. A check answers with
// what is wrong, or null. Checks of objects are bound to a type: a field that the type gains and the check lacks does not compile.
import { cutText } from './text.ts';

/** What is wrong with `value`, as a sentence that begins with `path`; null where nothing is. */
export type Check = (value: unknown, path: string) => string | null;

export const isText: Check = (value, path) => (typeof value === 'string' ? null : expected(path, 'a string', value));
export const isBoolean: Check = (value, path) =>
  typeof value === 'boolean' ? null : expected(path, 'true or false', value);
export const isNumber: Check = (value, path) =>
  typeof value === 'number' && Number.isFinite(value) ? null : expected(path, 'a number', value);
export const isAnything: Check = () => null;

export function isWholeNumber(min: number): Check {
  return (value, path) =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= min
      ? null
      : expected(path, `a whole number from ${min}`, value);
}

export function isOneOf(...values: readonly string[]): Check {
  return (value, path) =>
    typeof value === 'string' && values.includes(value) ? null : expected(path, `one of ${values.join(', ')}`, value);
}

export function nullable(check: Check): Check {
  return (value, path) => (value === null ? null : check(value, path));
}

/** A field that may be missing. */
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

/** An object with any keys. */
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

/** An object of exactly these fields. */
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

/** An object of these fields, and perhaps of others that nobody here knows. */
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

/** Whichever of the shapes fits; the first one says what is wrong where none does. */
export function isEither(first: Check, ...others: readonly Check[]): Check {
  return (value, path) => {
    const problem = first(value, path);
    return problem !== null && others.every((check) => check(value, path) !== null) ? problem : null;
  };
}

const NAME_CHARS = 60;

/** A field by its path; what has none is the argument itself. */
function nameOf(path: string): string {
  return path === '' ? 'The argument' : path;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Names the kind of what was given, never its content, which may be of any size and depth. */
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
