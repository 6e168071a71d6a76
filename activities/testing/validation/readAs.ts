// Parses a part of a request with a zod schema, and words errors as the OpenAI API does.
import type { z } from 'zod';
import { badRequest } from '../apiError.ts';

type Path = readonly PropertyKey[];
type Issue = z.core.$ZodIssue;
type UnionIssue = Extract<Issue, { code: 'invalid_union' }>;

/** Throws an ApiError with status 400 for the first issue. `at` is the path of the value in the request. */
export function readAs<Schema extends z.ZodType>(schema: Schema, value: unknown, at: Path = []): z.output<Schema> {
  const read = schema.safeParse(value, {
    reportInput: true,
    // Called if the schema has no message of its own. At that point, zod has not yet added the path of the value.
    error: (raw) => messageFor({ ...raw, path: [...at, ...(raw.path ?? [])] } as Issue),
  });
  if (read.success) return read.data;
  const first = read.error.issues[0]!;
  const issue = closestIssue({ ...first, path: [...at, ...first.path] });
  throw badRequest(issue.message, nameOf(issue.path), codeFor(issue));
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** For a value that fits no option of a union: the issue with the option that comes closest, if there is one. */
function closestIssue(issue: Issue): Issue {
  if (issue.code !== 'invalid_union') return issue;
  const firsts = firstsOf(issue);
  const closest =
    firsts.find(({ path }) => path.length > 0) ??
    firsts.find((each) => each.code === 'invalid_value' && typeof each.values[0] === typeof issue.input);
  if (!closest) return issue;
  const placed = { ...closest, path: [...issue.path, ...closest.path] };
  return { ...placed, message: closest.code === 'custom' ? closest.message : messageFor(placed) };
}

function firstsOf({ errors }: UnionIssue): Issue[] {
  return errors.flatMap(([first]) => first ?? []);
}

function messageFor(issue: Issue): string {
  const at = nameOf(issue.path);
  const { input } = issue;
  switch (issue.code) {
    case 'invalid_type':
      return wrongType(at, article(issue.expected), input);
    case 'invalid_value':
      return wrongValue(input, issue.values);
    case 'invalid_union':
      if (issue.discriminator !== undefined && 'options' in issue)
        return wrongValue((input as Record<string, unknown>)[issue.discriminator], issue.options ?? []);
      return wrongType(at, `one of ${firstsOf(issue).map(expectedBy).join(' or ')}`, input);
    case 'too_small':
      return `Invalid '${at}': empty array. Expected an array with minimum length 1, but got an empty array instead.`;
    case 'too_big': {
      const kind = issue.origin;
      const { length } = input as string | readonly unknown[];
      return `Invalid '${at}': ${kind} too long. Expected ${article(kind)} with maximum length ${issue.maximum}, but got ${article(kind)} with length ${length} instead.`;
    }
    case 'invalid_format':
      return `Invalid '${at}': string does not match pattern. Expected a string that matches the pattern '${issue.pattern?.slice(1, -1)}'.`;
    default:
      return `Invalid '${at}'.`;
  }
}

function codeFor(issue: Issue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'missing_required_parameter' : 'invalid_type';
    case 'invalid_union':
      return issue.discriminator ? 'invalid_value' : 'invalid_type';
    case 'too_small':
      return 'empty_array';
    case 'too_big':
      return `${issue.origin}_above_max_length`;
    case 'custom':
      return issue.params?.['code'];
    default:
      return 'invalid_value';
  }
}

function wrongType(at: string, expected: string, value: unknown): string {
  if (value === undefined) return `Missing required parameter: '${at}'.`;
  const got = value === null ? 'null' : Array.isArray(value) ? 'an array' : `type ${typeof value}`;
  return `Invalid type for '${at}': expected ${expected}, but got ${got} instead.`;
}

function wrongValue(value: unknown, supported: readonly unknown[]): string {
  const list = new Intl.ListFormat('en').format(supported.map((each) => `'${each}'`));
  return `Invalid value: '${value}'. Supported values are: ${list}.`;
}

function expectedBy(issue: Issue): string {
  if (issue.code === 'invalid_value') return issue.values.map((value) => `'${String(value)}'`).join(', ');
  return issue.code === 'invalid_type' ? article(issue.expected) : 'another value';
}

const article = (noun: string) => `${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}`;

/** `messages[0].content` */
function nameOf(path: Path): string {
  return path
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i > 0 ? '.' : ''}${String(part)}`))
    .join('');
}
