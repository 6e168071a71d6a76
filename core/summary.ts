// One line about a call, for Temporal's Web UI and the terminal: `get_recent_lab_results P-00123, limit 5`.
import { oneLine } from './text.ts';
import type { ToolCall } from './types.ts';

const ARGUMENTS_CHARS_MAX = 80;

export function callSummary(call: ToolCall): string {
  return `${call.function.name} ${argumentsSummary(call.function.arguments)}`.trimEnd();
}

/** Shows the first argument without its name if it is a string, and the others with theirs. */
function argumentsSummary(json: string): string {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return oneLine(json, ARGUMENTS_CHARS_MAX);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return oneLine(json, ARGUMENTS_CHARS_MAX);
  const parts = Object.entries(value).map(([name, argument], i) => {
    if (i === 0 && typeof argument === 'string') return argument;
    return `${name} ${typeof argument === 'string' ? argument : JSON.stringify(argument)}`;
  });
  return oneLine(parts.join(', '), ARGUMENTS_CHARS_MAX);
}
