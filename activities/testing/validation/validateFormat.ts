// The part of a request that says what the answer has to be, read as strictly as the OpenAI API does: a strict schema has
// rules of its own, and one that breaks them is refused before any model is asked.
import { z } from 'zod';
import type { Message } from '../../../core/types.ts';
import { badRequest } from '../apiError.ts';
import { isObject, readAs } from './readAs.ts';
import { checkStrict } from './strictRules.ts';
import { Name } from './validateTools.ts';

/** A JSON schema that the request asks the answer to fit. */
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

/** The schema that was asked for; null for a request that asks for none. */
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
  const wrong = (what: string) =>
    badRequest(`Invalid schema for response_format '${name}': ${what}`, 'response_format');
  if (!isObject(schema) || schema['type'] !== 'object')
    throw wrong(
      `schema must be a JSON Schema of 'type: "object"', got 'type: "${isObject(schema) ? schema['type'] : null}"'.`,
    );
  if (strict) checkStrict(schema, wrong);
  return { name, strict, schema };
}
