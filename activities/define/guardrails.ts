// Guardrails: functions of the user that look at what goes to the model, what comes back, and every call, before it counts.

import { ApplicationFailure } from '@temporalio/common';
import { ERROR_CHARS_MAX, PLAN_BYTES_MAX, REPAIRS_MAX } from '../../core/limits.ts';
import { FAILURE } from '../../core/names.ts';
import { reason } from '../../core/reasons/reason.ts';
import { count, cutText, jsonBytes, oneLine } from '../../core/text.ts';
import { transcriptProblem } from '../../core/transcript.ts';
import type { Message, ModelAnswer, ToolCall } from '../../core/types.ts';
import type { Planned } from '../plan/types.ts';
import { askRule, type RuleContext, toLookAt } from './rules.ts';
import type { Agent, Guarded, GuardedAnswer, GuardedCall, Guardrails } from './types.ts';

/** What the model is sent; or, where it is not asked at all, what stands for its answer. */
export async function guardRequest(
  { guardrails: { beforeModel: guard }, output }: Agent,
  messages: readonly Message[],
  ctx: RuleContext,
): Promise<{ readonly messages: readonly Message[] } | { readonly instead: Planned }> {
  if (!guard) return { messages };
  const said = await asked('beforeModel', ctx, () => guard(toLookAt(messages), ctx));
  switch (said.kind) {
    case 'allow':
      return { messages };
    case 'change': {
      const problem = messagesProblem(said.change);
      if (problem) throw misused('beforeModel', ctx, `changed the messages to what no model takes: ${problem}`);
      return { messages: said.change };
    }
    case 'reject':
      if (!output) return { instead: { message: answer(said.why), kind: 'final', plan: [] } };
      return { instead: { ...ended(said.why), message: answer(said.why), plan: [] } };
    case 'end':
      return { instead: { ...ended(said.why), message: answer(said.why), plan: [] } };
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
  const given = toLookAt<GuardedAnswer>({ text: message.content ?? '', calls });
  const said = await asked('afterModel', ctx, () => guard(given, ctx));
  switch (said.kind) {
    case 'allow':
      return planned;
    case 'change':
      return { ...planned, message: { ...message, content: changedText(said.change, calls.length > 0, ctx) } };
    case 'reject':
    case 'end': {
      // What ended the run already is its end.
      if (planned.kind === 'ended') return planned;
      const plan = refuseAll(message.tool_calls, said.why);
      if (said.kind === 'end') return { ...ended(said.why), message, plan };
      return sentBack({ message, plan }, said.why, repairs, 'refused');
    }
  }
}

function changedText(text: unknown, hasCalls: boolean, ctx: RuleContext): string | null {
  if (typeof text !== 'string') throw misused('afterModel', ctx, 'changed the answer to what is no text');
  if (jsonBytes(text) > CHANGED_BYTES_MAX)
    throw misused('afterModel', ctx, `changed the answer to more than ${count(CHANGED_BYTES_MAX)} bytes`);
  if (text === '' && !hasCalls) throw misused('afterModel', ctx, 'changed the answer to nothing; say what is missing');
  return text === '' ? null : text.toWellFormed();
}

/** It goes into history beside the calls, which may fill the rest of a payload. */
const CHANGED_BYTES_MAX = PLAN_BYTES_MAX / 2;

/** What a guardrail says of a call; one that fails lets none run. */
export async function guardCall(
  guard: NonNullable<Guardrails['beforeTool']>,
  call: GuardedCall,
  ctx: RuleContext,
): Promise<Verdict<object>> {
  const said = await askRule(ctx, () => guard(toLookAt(call), ctx));
  if (!said.ok) return { kind: 'reject', why: `the guardrail for it failed: ${said.error}` };
  const verdict = verdictOf<object>(said.value);
  return typeof verdict === 'string' ? { kind: 'reject', why: `the guardrail for it ${verdict}` } : verdict;
}

/** The model is told what is wrong with its answer, a bounded number of times. */
export function sentBack(
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

function ended(message: string): Pick<Planned, 'kind' | 'end'> {
  return { kind: 'ended', end: { status: 'refused', reason: reason('guardrail', { message }) } };
}

export function refuseAll(calls: readonly ToolCall[] = [], why: string): Planned['plan'] {
  return calls.map(() => ({ problem: { kind: 'rejected', reason: reason('rejected_by_guardrail', { why }) } }));
}

async function asked<T>(name: string, ctx: RuleContext, guard: () => Guarded<T> | Promise<Guarded<T>>) {
  const said = await askRule(ctx, guard);
  // Nothing gets past a guardrail that does not work; Temporal tries again.
  if (!said.ok)
    throw ApplicationFailure.retryable(`The guardrail ${name} of ${ctx.agent} failed: ${said.error}`, FAILURE.model);
  const verdict = verdictOf<T>(said.value);
  if (typeof verdict === 'string') throw misused(name, ctx, verdict);
  return verdict;
}

/** Another try would say the same again. */
function misused(name: string, ctx: RuleContext, what: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(`The guardrail ${name} of ${ctx.agent} ${what}.`, FAILURE.model);
}

type Verdict<Changed> =
  | { readonly kind: 'allow' }
  | { readonly kind: 'change'; readonly change: Changed }
  | { readonly kind: 'reject' | 'end'; readonly why: string };

/** The answer of a guardrail, which may be written in JavaScript; or what is wrong with it, as the end of a sentence. */
function verdictOf<Changed>(said: unknown): Verdict<Changed> | string {
  if (said === undefined || said === null) return { kind: 'allow' };
  const given = typeof said === 'object' && said !== null ? Object.entries(said) : [];
  const [first, ...others] = given.filter(([, value]) => value !== undefined);
  if (!first || others.length > 0) return `answered with ${shown(said)}, which is none of ${ANSWERS}`;
  const [kind, value] = first;
  // Whoever asked knows what may be put in its place.
  if (kind === 'change') return { kind, change: value as Changed };
  if (kind !== 'reject' && kind !== 'end') return `answered with ${shown(said)}, which is none of ${ANSWERS}`;
  if (typeof value !== 'string' || value.trim() === '') return `did not say why in { ${kind} }`;
  return { kind, why: cutText(value.toWellFormed(), ERROR_CHARS_MAX) };
}

const ANSWERS = 'undefined, { change }, { reject } and { end }';

function shown(value: unknown): string {
  return typeof value === 'object' ? `{ ${oneLine(Object.keys(value ?? {}).join(', '), 100)} }` : `a ${typeof value}`;
}

/** What a model API would refuse in messages that a function of the user made. */
export function messagesProblem(messages: unknown): string | null {
  if (!Array.isArray(messages) || messages.length === 0) return 'they are not a list with something in it';
  const wrong = messages.findIndex((message) => !isMessage(message));
  if (wrong >= 0) return `message ${wrong} has not the shape of one`;
  // Each of them was looked at just now.
  return transcriptProblem(messages as Message[]);
}

function isMessage(given: unknown): boolean {
  if (typeof given !== 'object' || given === null) return false;
  // Of anything, until it is looked at.
  const { role, content, tool_calls: calls, tool_call_id: id } = given as Record<string, unknown>;
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
