// Checks values against plain JSON Schema, with Ajv. Its errors are worded like zod's: the model reads both.
import { createRequire } from 'node:module';
import type { ErrorObject, Options, ValidateFunction } from 'ajv';
import type { Ajv2020 } from 'ajv/dist/2020.js';
import { cutText } from '../../core/text.ts';

/** JSON Schema of an object, as plain data. The type of what it allows is not known. */
export interface JsonSchema {
  readonly type: 'object';
  readonly [keyword: string]: unknown;
}

export type Checked =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly issues: readonly Issue[] };

export interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

const OPTIONS: Options = {
  allErrors: true,
  // The value and its schema, for the messages.
  verbose: true,
  // Servers and libraries write keywords and formats of their own.
  strict: false,
  // A schema is given once, and two may have the same `$id`.
  addUsedSchema: false,
  logger: false,
  code: { regExp: Object.assign(regExpOf, { code: 'regExpOf' }) },
};

/** Many patterns in use, such as `[\w-.]`, are none with the flag `u`. */
function regExpOf(pattern: string, flags: string): RegExp {
  try {
    return new RegExp(pattern, flags);
  } catch {
    return new RegExp(pattern);
  }
}

/** Drafts before 2019-09 read `items` and `$ref` differently. */
const OLD_DRAFT = /draft-0[467]/;

/** Returns the check of a schema; throws if it is none. */
export function checkerOf(schema: JsonSchema): (value: unknown) => Promise<Checked> {
  // With Ajv's own keyword `$async`, a check would pass whatever the value, and fail later, where nobody waits for it.
  const { $schema: dialect, $async: _, ...body } = schema;
  const validate = createAjv(OLD_DRAFT.test(String(dialect))).compile(body);
  return async (value) => (validate(value) ? { ok: true, value } : { ok: false, issues: issuesOf(validate) });
}

const require = createRequire(import.meta.url);

/** Loaded when the first JSON Schema is: it takes a tenth of a second, which most programs need not wait. */
function createAjv(isOldDraft: boolean): Ajv2020 {
  const { Ajv2020, Ajv = Ajv2020 } = require(isOldDraft ? 'ajv' : 'ajv/dist/2020.js');
  const ajv = new Ajv(OPTIONS);
  require('ajv-formats').default(ajv);
  return ajv;
}

function issuesOf({ errors }: ValidateFunction): Issue[] {
  return (errors ?? []).map((error) => ({ path: pathOf(error), message: messageOf(error) }));
}

function pathOf({ instancePath, keyword, params }: ErrorObject): string[] {
  const path = instancePath
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
  return keyword === 'required' ? [...path, params['missingProperty']] : path;
}

function messageOf({ keyword, params, data, message = 'Invalid input', parentSchema }: ErrorObject): string {
  switch (keyword) {
    case 'type':
      return `Invalid input: expected ${[params['type']].flat().join(' or ')}, received ${typeOf(data)}`;
    case 'required': {
      const { type } = parentSchema?.['properties']?.[params['missingProperty']] ?? {};
      return `Invalid input: expected ${type === undefined ? 'a value' : [type].flat().join(' or ')}, received undefined`;
    }
    case 'additionalProperties':
    case 'unevaluatedProperties':
      return `Unrecognized key: ${JSON.stringify(params['additionalProperty'] ?? params['unevaluatedProperty'])}`;
    case 'enum':
      return `Invalid option: expected one of ${cutText(params['allowedValues'].map((value: unknown) => JSON.stringify(value)).join('|'), 200)}`;
    case 'const':
      return `Invalid input: expected ${cutText(JSON.stringify(params['allowedValue']), 200)}`;
    default:
      return `Invalid input: ${message}`;
  }
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}
