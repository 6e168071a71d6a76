// Rules that users write as functions: what they are given, and how one that throws or hangs is told from an answer.
import { unlessAborted } from '../../core/abort.ts';
import { RULE_TIMEOUT_MS } from '../../core/limits.ts';
import { cutText, inWords } from '../../core/text.ts';

/** What a rule may look at besides the call. Rules run on a worker, so they may do I/O. */
export interface RuleContext {
  readonly agent: string;
  readonly workflowId: string;
  readonly turn: number;
  /** Aborted when the turn is cancelled or the worker stops. */
  readonly signal: AbortSignal;
}

export type RuleAnswer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: string };

/** What a rule says; `ok: false` where it threw or took too long. A cancelled turn is thrown on. */
export async function askRule<T>(
  ctx: RuleContext,
  rule: () => T | Promise<T>,
  timeoutMs: number = RULE_TIMEOUT_MS,
): Promise<RuleAnswer<T>> {
  const late = AbortSignal.timeout(timeoutMs);
  try {
    ctx.signal.throwIfAborted();
    // Called within a promise: a rule may throw before it returns one.
    const asked = Promise.resolve().then(rule);
    return { ok: true, value: await unlessAborted(AbortSignal.any([ctx.signal, late]), asked) };
  } catch (error) {
    if (ctx.signal.aborted) throw ctx.signal.reason;
    if (late.aborted) return { ok: false, error: `it took longer than ${inWords(timeoutMs)}` };
    return { ok: false, error: cutText(error instanceof Error ? error.message : String(error), 300) };
  }
}

/**
 * What a rule is given to look at. One that writes to it throws, which counts as a rule that failed: what it changed in
 * place would be judged by the next rule, and not be what runs.
 */
export function toLookAt<T>(value: T): T {
  const seen = new Set<unknown>();
  const pending: unknown[] = [value];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (!isPlain(next) || seen.has(next)) continue;
    seen.add(next);
    for (const child of Object.values(Object.freeze(next))) if (isPlain(child)) pending.push(child);
  }
  return value;
}

/** What JSON is made of. A schema may also make dates, maps and classes, which have their own ways to be written to. */
function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return Array.isArray(value) || prototype === Object.prototype || prototype === null;
}
