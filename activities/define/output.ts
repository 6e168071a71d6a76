// Structured output: what the model is asked for, and whether its last answer is that.
import { z } from 'zod';
import { count, cutText, utf8Length } from '../../core/text.ts';
import { issuesText } from '../plan/arguments.ts';
import type { Planned } from '../plan/types.ts';
import { sentBack } from './guardrails.ts';
import { strictSchema } from './strictSchema.ts';
import type { OutputFormat } from './types.ts';

export function outputFormat(schema: z.ZodType, wrong: (what: string) => Error): OutputFormat {
  if (!(schema instanceof z.ZodType)) throw wrong('output must be a z.object(…).');
  let json: Record<string, unknown>;
  try {
    const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input' });
    json = rest;
  } catch (error) {
    throw wrong(`output cannot be told to a model as JSON Schema: ${error instanceof Error ? error.message : error}`);
  }
  if (json['type'] !== 'object') throw wrong('output must be a z.object(…).');
  return { schema, json, strict: strictSchema(json) };
}

/** A value that is larger does not belong in a result: it is in history twice. */
const VALUE_BYTES_MAX = 256 * 1024;

/** A last answer that fits the schema brings its value along; another one is sent back with what is wrong. */
export async function checkOutput(
  format: OutputFormat | undefined,
  planned: Planned,
  repairs: number,
): Promise<Planned> {
  if (!format || planned.kind !== 'final') return planned;
  const read = await readOutput(format, planned.message.content ?? '');
  if (read.ok) return { ...planned, value: read.value };
  const why = `This answer is not what was asked for: ${read.error}. Answer with JSON that fits the schema, and nothing else.`;
  return sentBack(planned, why, repairs, 'invalid_output');
}

type Read = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: string };

async function readOutput({ schema }: OutputFormat, text: string): Promise<Read> {
  let json: unknown;
  try {
    json = JSON.parse(withoutFence(text));
  } catch (error) {
    return { ok: false, error: `it is not valid JSON (${error instanceof Error ? error.message : error})` };
  }
  try {
    const result = await schema.safeParseAsync(json);
    if (!result.success) return { ok: false, error: issuesText(result.error.issues) };
    // As it will be read from history: a Date becomes its text.
    const encoded = JSON.stringify(result.data);
    const bytes = utf8Length(encoded);
    if (bytes > VALUE_BYTES_MAX)
      return { ok: false, error: `it has ${count(bytes)} bytes; ${count(VALUE_BYTES_MAX)} are allowed` };
    return { ok: true, value: JSON.parse(encoded) };
  } catch (error) {
    // A refinement or a transform of the schema threw.
    const why = cutText(error instanceof Error ? error.message : String(error), 300);
    return { ok: false, error: `it could not be checked (${why})` };
  }
}

/** Models that know no schemas like to wrap JSON in Markdown. */
function withoutFence(text: string): string {
  return /^\s*```(?:json)?\s*\n([\s\S]*?)\n?\s*```\s*$/.exec(text)?.[1] ?? text;
}
