// Structured output: the schema that is sent to the model, and the check of its last answer.
import { count, cutText, utf8Length } from '../../core/text.ts';
import { issuesText } from '../plan/arguments.ts';
import type { Planned } from '../plan/types.ts';
import { askAgain } from './guardrails.ts';
import { schemaOf } from './schema.ts';
import { strictSchema } from './strictSchema.ts';
import type { OutputFormat } from './types.ts';

export function outputFormat(source: unknown, wrong: (problem: string) => Error): OutputFormat {
  const schema = schemaOf(source, 'output', wrong);
  return { ...schema, strict: strictSchema(schema.json) };
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

async function readOutput(format: OutputFormat, text: string): Promise<Read> {
  let json: unknown;
  try {
    json = JSON.parse(withoutFence(text));
  } catch (error) {
    return { ok: false, error: `it is not valid JSON (${error instanceof Error ? error.message : error})` };
  }
  try {
    const result = await format.check(json);
    if (!result.ok) return { ok: false, error: issuesText(result.issues) };
    // Returned as it will be read from history: a Date becomes a string.
    const encoded = JSON.stringify(result.value);
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
