// Small checks of a request's shape that fail in the OpenAI API's own words.
import { badRequest } from '../apiError.ts';

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function text(value: unknown, at: string): string {
  if (typeof value === 'string') return value;
  if (value === undefined) throw badRequest(`Missing required parameter: '${at}'.`, at, 'missing_required_parameter');
  throw wrongType(at, 'a string', value);
}

export function arrayOf(value: unknown, at: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw wrongType(at, 'an array', value);
}

export function wrongType(at: string, expected: string, value: unknown) {
  const got = value === null ? 'null' : Array.isArray(value) ? 'an array' : `type ${typeof value}`;
  return badRequest(`Invalid type for '${at}': expected ${expected}, but got ${got} instead.`, at, 'invalid_type');
}

export function emptyArray(at: string) {
  return badRequest(
    `Invalid '${at}': empty array. Expected an array with minimum length 1, but got an empty array instead.`,
    at,
    'empty_array',
  );
}

export function tooLong(at: string, max: number, length: number) {
  return badRequest(
    `Invalid '${at}': string too long. Expected a string with maximum length ${max}, but got a string with length ${length} instead.`,
    at,
    'string_above_max_length',
  );
}
