// Parses `response_format` as strictly as the OpenAI API does, which refuses a schema that breaks the rules of strict mode
// before it calls the model.
import { z } from 'zod';
import type { Message } from '../../../core/types.ts';
import { badRequest } from '../apiError.ts';
import { isObject, readAs } from './readAs.ts';
import { checkStrict } from './strictRules.ts';
import { Name } from './validateTools.ts';

/** The JSON schema in `response_format`. */
export interface AskedFormat {
  readonly name: string;
  readonly strict: boolean;
  readonly schema: Readonly<Record<string, unknown>>;
}

const Format = z.discriminatedUnion('type', [
  z.object({ type: z.literal('json_object') }),
  z.object({
    type: z.literal('json_schema'),
    json_schema: z.object({ name: Name, strict: z.boolean().default(false), schema: z.unknown().optional() }),
  }),
  z.object({ type: z.literal('text') }),
]);

/** The schema in `response_format`; null if there is none. */
export function readFormat(given: unknown, messages: readonly Message[]): AskedFormat | null {
  if (given === undefined) return null;
  const format = readAs(Format, given, ['response_format']);
  if (format.type === 'json_object' && !messages.some(({ content }) => /json/i.test(content ?? '')))
    throw badRequest(
      "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
      'messages',
    );
  if (format.type !== 'json_schema') return null;
  const { name, strict, schema } = format.json_schema;
  const wrong = (problem: string) =>
    badRequest(`Invalid schema for response_format '${name}': ${problem}`, 'response_format');
  if (!isObject(schema) || schema['type'] !== 'object')
    throw wrong(
      `schema must be a JSON Schema of 'type: "object"', got 'type: "${isObject(schema) ? schema['type'] : null}"'.`,
    );
  if (strict) checkStrict(schema, wrong);
  return { name, strict, schema };
}
