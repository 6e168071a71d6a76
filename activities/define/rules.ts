// Runs the functions that users write: approval rules, permissions, guardrails. Bounds their time and catches what they throw.
import { unlessAborted } from '../../core/abort.ts';
import { RULE_TIMEOUT_MS } from '../../core/limits.ts';
import { cutText, inWords } from '../../core/text.ts';
import type { RunContext } from '../../core/types.ts';

/** Context of a rule. Rules run on a worker, so they may do I/O. */
export interface RuleContext<Context = RunContext> {
  readonly agent: string;
  readonly workflowId: string;
  readonly turn: number;
  /** The run's context, as parsed by the agent's `context` schema, and frozen. {} if the run has none. */
  readonly context: Context;
  /** Aborted when the model call is cancelled, times out, or the worker stops. */
  readonly signal: AbortSignal;
}

export type RuleResult<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: string };

/** Calls a rule; `ok: false` if it threw or took too long. Throws if `ctx.signal` is aborted. */
export async function runRule<T>(
  ctx: RuleContext,
  rule: () => T | Promise<T>,
  timeoutMs: number = RULE_TIMEOUT_MS,
): Promise<RuleResult<T>> {
  const late = AbortSignal.timeout(timeoutMs);
  try {
    ctx.signal.throwIfAborted();
    // Called within a promise, since a rule may throw synchronously.
    const called = Promise.resolve().then(rule);
    return { ok: true, value: await unlessAborted(AbortSignal.any([ctx.signal, late]), called) };
  } catch (error) {
    if (ctx.signal.aborted) throw ctx.signal.reason;
    if (late.aborted) return { ok: false, error: `it took longer than ${inWords(timeoutMs)}` };
    return { ok: false, error: cutText(error instanceof Error ? error.message : String(error), 300) };
  }
}

/**
 * Freezes what a rule receives, so that a rule that writes to it fails: the next rule would judge the changed value, but
 * that is not what runs.
 */
export function deepFreeze<T>(value: T): T {
  const seen = new Set<unknown>();
  const pending: unknown[] = [value];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (!isPlain(next) || seen.has(next)) continue;
    seen.add(next);
    for (const child of Object.values(Object.freeze(next))) if (isPlain(child)) pending.push(child);
  }
  return value;
}

/** Arrays and plain objects. Freezing would not protect the dates, maps and classes that a schema may also produce. */
function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return Array.isArray(value) || prototype === Object.prototype || prototype === null;
}
