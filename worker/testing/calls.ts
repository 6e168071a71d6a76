// The tool calls of a run, in a form to compare with what a test expects.

import { isDeepStrictEqual } from 'node:util';
import { parsed } from '../../core/json.ts';
import { type Run, toolCalls } from '../../core/read/run.ts';

export interface CalledTool {
  /** Turn and slot, such as `1.0`. */
  readonly call: string;
  readonly tool: string;
  /** Parsed; the text itself if it is not JSON. */
  readonly arguments: unknown;
  /** What the model reads: parsed if it is JSON; null while the call runs. */
  readonly result: unknown;
  readonly ok: boolean | null;
  /** How the call failed; null if it did not. */
  readonly kind: string | null;
}

export function calledTools(run: Run): readonly CalledTool[] {
  return toolCalls(run).map((call) => ({
    call: `${call.turn}.${call.slot}`,
    tool: call.tool,
    arguments: parsed(call.arguments),
    result: call.text === null ? null : parsed(call.text),
    ok: call.ok,
    kind: call.kind,
  }));
}

/** What a test expects of a call: the fields that it names. Of arguments and results that are objects, the fields that they name. */
export type ExpectedCall = string | Partial<CalledTool>;

/**
 * Returns what differs between the calls that a run made and those that a test expects, in their order; null if nothing does. A tool's
 * name alone stands for any call of it.
 *
 * ```ts
 * assert.equal(matchCalls(calls, ['get_order', { tool: 'refund', arguments: { order: 4711 } }]), null);
 * ```
 */
export function matchCalls(calls: readonly CalledTool[], expected: readonly ExpectedCall[]): string | null {
  for (const [at, one] of expected.entries()) {
    const call = calls[at];
    const wanted = typeof one === 'string' ? { tool: one } : one;
    if (!call) return `There are ${calls.length} calls; expected as call ${at + 1}: ${JSON.stringify(wanted)}`;
    if (!contains(call, wanted))
      return `Call ${at + 1} is ${JSON.stringify(call)}; expected: ${JSON.stringify(wanted)}`;
  }
  if (calls.length > expected.length)
    return `There are ${calls.length} calls; expected ${expected.length}. The first that was not expected: ${JSON.stringify(calls[expected.length])}`;
  return null;
}

function contains(value: unknown, wanted: unknown): boolean {
  const isObject = (one: unknown): one is Record<string, unknown> =>
    typeof one === 'object' && one !== null && !Array.isArray(one);
  if (!isObject(value) || !isObject(wanted)) return isDeepStrictEqual(value, wanted);
  return Object.entries(wanted).every(([name, field]) => contains(value[name], field));
}
