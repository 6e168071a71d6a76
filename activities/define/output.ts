// Structured output: the schema that is sent to the model, and the check of its last answer.
import { z } from 'zod';
import { count, cutText, utf8Length } from '../../core/text.ts';
import { issuesText } from '../plan/arguments.ts';
import type { Planned } from '../plan/types.ts';
import { askAgain } from './guardrails.ts';
import { strictSchema } from './strictSchema.ts';
import type { OutputFormat } from './types.ts';

export function outputFormat(schema: z.ZodType, wrong: (problem: string) => Error): OutputFormat {
  if (!(schema instanceof z.ZodType)) throw wrong('output must be a z.object(…).');
  let json: Record<string, unknown>;
  try {
    const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input' });
    json = rest;
  } catch (error) {
    throw wrong(`output has no JSON Schema: ${error instanceof Error ? error.message : error}`);
  }
  if (json['type'] !== 'object') throw wrong('output must be a z.object(…).');
  return { schema, json, strict: strictSchema(json) };
}

/** Larger values do not belong in a result: history would hold them twice. */
const VALUE_BYTES_MAX = 256 * 1024;

/** Adds the parsed value to a last answer that fits the schema. For any other, has the model answer again. */
export async function checkOutput(
  format: OutputFormat | undefined,
  planned: Planned,
  repairs: number,
): Promise<Planned> {
  if (!format || planned.kind !== 'final') return planned;
  const read = await readOutput(format, planned.message.content ?? '');
  if (read.ok) return { ...planned, value: read.value };
  const why = `This answer does not fit the schema: ${read.error}. Answer with JSON that fits the schema, and nothing else.`;
  return askAgain(planned, why, repairs, 'invalid_output');
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
    // Returned as it will be read from history: a Date becomes a string.
    const encoded = JSON.stringify(result.data);
    const bytes = utf8Length(encoded);
    if (bytes > VALUE_BYTES_MAX)
      return { ok: false, error: `it has ${count(bytes)} bytes; ${count(VALUE_BYTES_MAX)} are allowed` };
    return { ok: true, value: JSON.parse(encoded) };
  } catch (error) {
    // A refinement or transform of the schema threw.
    const why = cutText(error instanceof Error ? error.message : String(error), 300);
    return { ok: false, error: `it could not be checked (${why})` };
  }
}

/** Removes a Markdown code fence: models without support for schemas like to add one. */
function withoutFence(text: string): string {
  return /^\s*```(?:json)?\s*\n([\s\S]*?)\n?\s*```\s*$/.exec(text)?.[1] ?? text;
}
