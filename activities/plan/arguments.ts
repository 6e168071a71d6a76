// Reads the arguments that a model wrote: parses them, limits their size, and validates them with the tool's schema.

import type { z } from 'zod';
import { ARGUMENT_BYTES_MAX, ARGUMENT_DEPTH_MAX } from '../../core/limits.ts';
import { reason } from '../../core/reasons/reason.ts';
import { cutText, utf8Length } from '../../core/text.ts';
import type { Problem } from '../../core/types.ts';
import type { Tool } from '../define/types.ts';

export type ParsedArguments =
  | { readonly ok: true; readonly json: object }
  | { readonly ok: false; readonly json?: never; readonly problem: Problem };

/** `json` is what the model wrote, `value` the output of the schema. Invalid arguments may still be JSON. */
export type ReadArguments =
  | { readonly ok: true; readonly json: object; readonly value: unknown }
  | { readonly ok: false; readonly json?: object; readonly problem: Problem };

const ISSUES_SHOWN = 5;

/** The parsed arguments, or the problem with them. */
export async function readArguments(tool: Tool, text: string): Promise<ReadArguments> {
  const parsed = parseArguments(text);
  if (!parsed.ok) return parsed;
  try {
    const result = await tool.input.safeParseAsync(parsed.json);
    if (result.success) return { ...parsed, value: result.data };
    return { ...invalid(issuesText(result.error.issues)), json: parsed.json };
  } catch (error) {
    // A refinement of the schema threw.
    return invalid(
      `they could not be checked: ${cutText(error instanceof Error ? error.message : String(error), 300)}`,
    );
  }
}

/** The JSON object in `text`. Empty text counts as {}, since models call tools without parameters like that. */
export function parseArguments(text: string): ParsedArguments {
  const bytes = utf8Length(text);
  if (bytes > ARGUMENT_BYTES_MAX)
    return {
      ok: false,
      problem: {
        kind: 'too_large',
        reason: reason('arguments_too_large', { bytes, max: ARGUMENT_BYTES_MAX }),
      },
    };
  let value: unknown;
  try {
    value = text.trim() === '' ? {} : JSON.parse(text);
  } catch (error) {
    return invalid(`they are not valid JSON (${error instanceof Error ? cutText(error.message, 200) : 'unreadable'})`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return invalid(
      `they must be a JSON object, not ${Array.isArray(value) ? 'an array' : value === null ? 'null' : `a ${typeof value}`}`,
    );
  const problem = structureProblem(value);
  return problem ? invalid(problem) : { ok: true, json: value };
}

/** Refuses what no tool should receive: deep nesting, and keys that set a prototype. */
function structureProblem(root: object): string | null {
  const pending: { value: object; depth: number }[] = [{ value: root, depth: 1 }];
  for (let next = pending.pop(); next; next = pending.pop()) {
    if (next.depth > ARGUMENT_DEPTH_MAX) return `they are nested deeper than ${ARGUMENT_DEPTH_MAX} levels`;
    for (const [key, child] of Object.entries(next.value)) {
      if (key === '__proto__') return 'the field __proto__ is not allowed';
      if (typeof child === 'object' && child !== null) pending.push({ value: child, depth: next.depth + 1 });
    }
  }
  return null;
}

function invalid(why: string): { readonly ok: false; readonly problem: Problem } {
  return { ok: false, problem: { kind: 'invalid_arguments', reason: reason('invalid_arguments', { problem: why }) } };
}

/** The first issues that a schema found, with their fields. */
export function issuesText(issues: readonly z.core.$ZodIssue[]): string {
  const shown = issues.slice(0, ISSUES_SHOWN).map(({ path, message }) => {
    const field = path.map(String).join('.');
    return cutText(field ? `${field}: ${message}` : message, 300);
  });
  if (issues.length > ISSUES_SHOWN) shown.push(`and ${issues.length - ISSUES_SHOWN} more`);
  return shown.join('; ');
}
