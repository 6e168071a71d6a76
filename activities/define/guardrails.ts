// Calls the user's guardrails: on each request to the model, each answer, and each call before it runs.

import { ApplicationFailure } from '@temporalio/common';
import { isAttachments } from '../../core/attachments.ts';
import { ERROR_CHARS_MAX, PLAN_BYTES_MAX, REPAIRS_MAX } from '../../core/limits.ts';
import { FAILURE } from '../../core/names.ts';
import { reason } from '../../core/reasons/reason.ts';
import { count, cutText, jsonBytes, oneLine } from '../../core/text.ts';
import { transcriptProblem } from '../../core/transcript.ts';
import type { Message, ModelAnswer, ToolCall } from '../../core/types.ts';
import type { Planned } from '../plan/types.ts';
import { deepFreeze, type RuleContext, runRule } from './rules.ts';
import type { Agent, Guarded, GuardedAnswer, GuardedCall, Guardrails } from './types.ts';

/** The messages to send to the model; or `instead`, what to record if the model is not called. */
export async function guardRequest(
  { guardrails: { beforeModel: guard }, output }: Agent,
  messages: readonly Message[],
  ctx: RuleContext,
): Promise<{ readonly messages: readonly Message[] } | { readonly instead: Planned }> {
  if (!guard) return { messages };
  const verdict = await verdictFrom('beforeModel', ctx, () => guard(deepFreeze(messages), ctx));
  switch (verdict.kind) {
    case 'allow':
      return { messages };
    case 'change': {
      const problem = messagesProblem(verdict.change);
      if (problem) throw misused('beforeModel', ctx, `returned messages that no model accepts: ${problem}`);
      return { messages: verdict.change };
    }
    case 'reject':
      if (!output) return { instead: { message: answer(verdict.why), kind: 'final', plan: [] } };
      return { instead: { ...endOfRun(verdict.why), message: answer(verdict.why), plan: [] } };
    case 'end':
      return { instead: { ...endOfRun(verdict.why), message: answer(verdict.why), plan: [] } };
  }
}

export async function guardAnswer(
  guard: Guardrails['afterModel'],
  planned: Planned,
  repairs: number,
  ctx: RuleContext,
): Promise<Planned> {
  if (!guard) return planned;
  const { message } = planned;
  const calls = (message.tool_calls ?? []).map(({ function: { name, arguments: args } }) => ({
    tool: name,
    arguments: args,
  }));
  const guarded = deepFreeze<GuardedAnswer>({ text: message.content ?? '', calls });
  const verdict = await verdictFrom('afterModel', ctx, () => guard(guarded, ctx));
  switch (verdict.kind) {
    case 'allow':
      return planned;
    case 'change': {
      // The provider's data may have what the guardrail has taken out.
      const { provider: _, ...plain } = message;
      return { ...planned, message: { ...plain, content: changedText(verdict.change, calls.length > 0, ctx) } };
    }
    case 'reject':
    case 'end': {
      // Another guardrail has ended the run already; the first reason counts.
      if (planned.kind === 'ended') return planned;
      const plan = rejectAll(message.tool_calls, verdict.why);
      if (verdict.kind === 'end') return { ...endOfRun(verdict.why), message, plan };
      return askAgain({ message, plan }, verdict.why, repairs, 'refused');
    }
  }
}

function changedText(text: unknown, hasCalls: boolean, ctx: RuleContext): string | null {
  if (typeof text !== 'string') throw misused('afterModel', ctx, 'returned a change that is not a string');
  if (jsonBytes(text) > CHANGED_BYTES_MAX)
    throw misused('afterModel', ctx, `returned an answer of more than ${count(CHANGED_BYTES_MAX)} bytes`);
  if (text === '' && !hasCalls) throw misused('afterModel', ctx, 'returned an empty answer. Say what was removed');
  return text === '' ? null : text.toWellFormed();
}

/** The text shares a payload with the calls, which may fill the other half. */
const CHANGED_BYTES_MAX = PLAN_BYTES_MAX / 2;

/** The verdict of `beforeTool` on a call. A guardrail that fails rejects the call. */
export async function guardCall(
  guard: NonNullable<Guardrails['beforeTool']>,
  call: GuardedCall,
  ctx: RuleContext,
): Promise<Verdict<object>> {
  const result = await runRule(ctx, () => guard(deepFreeze(call), ctx));
  if (!result.ok) return { kind: 'reject', why: `the guardrail beforeTool failed: ${result.error}` };
  const verdict = readVerdict<object>(result.value);
  return typeof verdict === 'string' ? { kind: 'reject', why: `the guardrail beforeTool ${verdict}` } : verdict;
}

/** Has the model answer again, knowing why; ends the run once REPAIRS_MAX repairs are used up. */
export function askAgain(
  { message, plan }: Pick<Planned, 'message' | 'plan'>,
  why: string,
  repairs: number,
  status: 'refused' | 'invalid_output',
): Planned {
  if (repairs >= REPAIRS_MAX)
    return {
      message,
      plan,
      kind: 'ended',
      end: { status, reason: reason('answer_rejected', { times: repairs + 1, why }) },
    };
  return { message, plan, kind: 'again', ...(plan.length === 0 && { tell: why }) };
}

function answer(text: string): ModelAnswer['message'] {
  return { role: 'assistant', content: text };
}

function endOfRun(message: string): Pick<Planned, 'kind' | 'end'> {
  return { kind: 'ended', end: { status: 'refused', reason: reason('guardrail', { message }) } };
}

export function rejectAll(calls: readonly ToolCall[] = [], why: string): Planned['plan'] {
  return calls.map(() => ({ problem: { kind: 'rejected', reason: reason('rejected_by_guardrail', { why }) } }));
}

async function verdictFrom<T>(name: string, ctx: RuleContext, guard: () => Guarded<T> | Promise<Guarded<T>>) {
  const result = await runRule(ctx, guard);
  // A guardrail that fails lets nothing through; Temporal retries the model call.
  if (!result.ok)
    throw ApplicationFailure.retryable(`The guardrail ${name} of ${ctx.agent} failed: ${result.error}`, FAILURE.model);
  const verdict = readVerdict<T>(result.value);
  if (typeof verdict === 'string') throw misused(name, ctx, verdict);
  return verdict;
}

/** Not retryable: the guardrail would return the same again. */
function misused(name: string, ctx: RuleContext, problem: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(`The guardrail ${name} of ${ctx.agent} ${problem}.`, FAILURE.model);
}

type Verdict<Changed> =
  | { readonly kind: 'allow' }
  | { readonly kind: 'change'; readonly change: Changed }
  | { readonly kind: 'reject' | 'end'; readonly why: string };

/** What a guardrail returned, which types may not have checked; or what is wrong with it, as the end of a sentence. */
function readVerdict<Changed>(returned: unknown): Verdict<Changed> | string {
  if (returned === undefined || returned === null) return { kind: 'allow' };
  const entries = typeof returned === 'object' ? Object.entries(returned) : [];
  const [first, ...others] = entries.filter(([, value]) => value !== undefined);
  if (!first || others.length > 0) return `returned ${shown(returned)}; expected ${EXPECTED}`;
  const [kind, value] = first;
  // The caller checks the changed value.
  if (kind === 'change') return { kind, change: value as Changed };
  if (kind !== 'reject' && kind !== 'end') return `returned ${shown(returned)}; expected ${EXPECTED}`;
  if (typeof value !== 'string' || value.trim() === '') return `returned { ${kind} } without a reason`;
  return { kind, why: cutText(value.toWellFormed(), ERROR_CHARS_MAX) };
}

const EXPECTED = 'undefined, { change }, { reject } or { end }';

function shown(value: unknown): string {
  return typeof value === 'object' ? `{ ${oneLine(Object.keys(value ?? {}).join(', '), 100)} }` : `a ${typeof value}`;
}

/** Why a model API would refuse messages that a user's function returned; null if it would not. */
export function messagesProblem(messages: unknown): string | null {
  if (!Array.isArray(messages) || messages.length === 0) return 'they are not a list of at least one message';
  const invalid = messages.findIndex((message) => !isMessage(message));
  if (invalid >= 0) return `message ${invalid} is not a valid message`;
  // isMessage has checked each of them.
  return transcriptProblem(messages as Message[]);
}

function isMessage(given: unknown): boolean {
  if (typeof given !== 'object' || given === null) return false;
  // The fields may hold anything until they are checked below.
  const { role, content, tool_calls: calls, tool_call_id: id, attachments } = given as Record<string, unknown>;
  if (attachments !== undefined && isAttachments(attachments, '') !== null) return false;
  switch (role) {
    case 'system':
    case 'user':
      return typeof content === 'string';
    case 'tool':
      return typeof content === 'string' && typeof id === 'string';
    case 'assistant':
      if (calls !== undefined && !(Array.isArray(calls) && calls.every(isCall))) return false;
      return content === null || typeof content === 'string';
    default:
      return false;
  }
}

function isCall(given: unknown): boolean {
  const { id, type, function: called } = Object(given) as Record<string, unknown>;
  const { name, arguments: args } = Object(called) as Record<string, unknown>;
  return typeof id === 'string' && type === 'function' && typeof name === 'string' && typeof args === 'string';
}
