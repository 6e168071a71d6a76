// Reads the arguments that a model wrote: parses them, limits their size, and validates them with the tool's schema.

import { ARGUMENT_BYTES_MAX } from '../../core/limits.ts';
import { reason } from '../../core/reasons/reason.ts';
import { cutText, utf8Length } from '../../core/text.ts';
import type { Problem } from '../../core/types.ts';
import type { Issue } from '../define/jsonSchema.ts';
import type { Tool } from '../define/types.ts';
import { structureProblem } from './structure.ts';

/** `text` is the value as JSON, in which nothing is left of how the model wrote it: it is what people are shown. */
export type ParsedArguments =
  | { readonly ok: true; readonly json: object; readonly text: string }
  | { readonly ok: false; readonly text?: never; readonly problem: Problem };

/** `json` is what the model wrote, `value` the output of the schema. Invalid arguments may still be JSON. */
export type ReadArguments =
  | { readonly ok: true; readonly json: object; readonly text: string; readonly value: unknown }
  | { readonly ok: false; readonly text?: string; readonly problem: Problem };

const ISSUES_SHOWN = 5;

/** The parsed arguments, or the problem with them. */
export async function readArguments(tool: Tool, text: string): Promise<ReadArguments> {
  const parsed = parseArguments(text);
  if (!parsed.ok) return parsed;
  try {
    const result = await tool.input.check(parsed.json);
    if (result.ok) return { ...parsed, value: result.value };
    return { ...invalid(issuesText(result.issues)), text: parsed.text };
  } catch (error) {
    // A refinement of the schema threw.
    return invalid(
      `they could not be checked: ${cutText(error instanceof Error ? error.message : String(error), 300)}`,
    );
  }
}

/** The JSON object in `written`. Empty text counts as {}, since models call tools without parameters like that. */
export function parseArguments(written: string): ParsedArguments {
  if (utf8Length(written) > ARGUMENT_BYTES_MAX) return tooLarge(written);
  // A model API would refuse ill-formed text.
  const json = written.toWellFormed();
  let value: unknown;
  try {
    value = json.trim() === '' ? {} : JSON.parse(json);
  } catch (error) {
    return invalid(`they are not valid JSON (${error instanceof Error ? cutText(error.message, 200) : 'unreadable'})`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return invalid(
      `they must be a JSON object, not ${Array.isArray(value) ? 'an array' : value === null ? 'null' : `a ${typeof value}`}`,
    );
  const problem = structureProblem(json);
  if (problem) return invalid(problem);
  const text = JSON.stringify(value);
  // It may be longer than what was written: 1e20 is.
  return utf8Length(text) > ARGUMENT_BYTES_MAX ? tooLarge(text) : { ok: true, json: value, text };
}

function tooLarge(text: string): { readonly ok: false; readonly problem: Problem } {
  const why = reason('arguments_too_large', { bytes: utf8Length(text), max: ARGUMENT_BYTES_MAX });
  return { ok: false, problem: { kind: 'too_large', reason: why } };
}

function invalid(why: string): { readonly ok: false; readonly problem: Problem } {
  return { ok: false, problem: { kind: 'invalid_arguments', reason: reason('invalid_arguments', { problem: why }) } };
}

/** The first issues that a schema found, with their fields. */
export function issuesText(issues: readonly Issue[]): string {
  const shown = issues.slice(0, ISSUES_SHOWN).map(({ path, message }) => {
    const field = path.map(String).join('.');
    return cutText(field ? `${field}: ${message}` : message, 300);
  });
  if (issues.length > ISSUES_SHOWN) shown.push(`and ${issues.length - ISSUES_SHOWN} more`);
  return shown.join('; ');
}
