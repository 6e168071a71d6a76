// Structured output: what the model is asked for, and whether its last answer is that.
import { z } from 'zod';
import { utf8Length } from '../core/text.ts';
import { issuesText } from './arguments.ts';
import { sentBack } from './guardrails.ts';
import type { Planned } from './plan.ts';

/** How the model is asked for it. */
export interface OutputFormat {
  readonly schema: z.ZodType;
  readonly json: Readonly<Record<string, unknown>>;
  /** Strict schemas name every field and no others; one with optional fields or open objects is sent as it is. */
  readonly isStrict: boolean;
}

export function outputFormat(schema: z.ZodType, wrong: (what: string) => Error): OutputFormat {
  let json: Record<string, unknown>;
  try {
    const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input' });
    json = rest;
  } catch (error) {
    throw wrong(`output cannot be told to a model as JSON Schema: ${error instanceof Error ? error.message : error}`);
  }
  if (json['type'] !== 'object') throw wrong('output must be a z.object(…).');
  const strict = closed(json);
  return { schema, json: strict, isStrict: fitsStrict(strict) };
}

type Node = Readonly<Record<string, unknown>>;

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** With `additionalProperties: false` wherever the schema leaves it open without saying what else there may be. */
function closed(node: Node): Record<string, unknown> {
  const made = Object.fromEntries(
    Object.entries(node).map(([key, value]): [string, unknown] => {
      if (Array.isArray(value)) return [key, value.map((item) => (isNode(item) ? closed(item) : item))];
      return [key, isNode(value) && key !== 'default' && key !== 'const' ? closed(value) : value];
    }),
  );
  if (made['type'] === 'object' && isNode(made['properties'])) made['additionalProperties'] ??= false;
  return made;
}

/** What a strict schema may not have: objects that are open, fields that may be missing. */
function fitsStrict(node: Node): boolean {
  if (node['type'] === 'object') {
    const properties = Object.keys(isNode(node['properties']) ? node['properties'] : {});
    const required = Array.isArray(node['required']) ? node['required'] : [];
    if (node['additionalProperties'] !== false || properties.some((name) => !required.includes(name))) return false;
  }
  return Object.values(node).every((value) =>
    Array.isArray(value)
      ? value.every((item) => !isNode(item) || fitsStrict(item))
      : !isNode(value) || fitsStrict(value),
  );
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
    if (utf8Length(encoded) > VALUE_BYTES_MAX) return { ok: false, error: 'it is too large' };
    return { ok: true, value: JSON.parse(encoded) };
  } catch (error) {
    return { ok: false, error: `it could not be checked (${error instanceof Error ? error.message : error})` };
  }
}

/** Models that know no schemas like to wrap JSON in Markdown. */
function withoutFence(text: string): string {
  return /^\s*```(?:json)?\s*\n([\s\S]*?)\n?\s*```\s*$/.exec(text)?.[1] ?? text;
}
