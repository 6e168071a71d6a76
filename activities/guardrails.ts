// Guardrails: functions of the user that look at what goes to the model, what comes back, and every call, before it counts.

import { ApplicationFailure } from '@temporalio/common';
import { REPAIRS_MAX } from '../core/limits.ts';
import { FAILURE } from '../core/names.ts';
import { plural } from '../core/text.ts';
import type { Message, ModelAnswer, ToolCall } from '../core/types.ts';
import type { Planned } from './plan.ts';
import { askRule, type RuleContext } from './rules.ts';

/** Allow, by returning nothing; put something else in its place; reject it with a reason; or end the run. */
export type Guarded<Changed> =
  | undefined
  // biome-ignore lint/suspicious/noConfusingVoidType: a function that returns nothing allows
  | void
  | { readonly change: Changed }
  | { readonly reject: string }
  | { readonly end: string };

export interface Guardrails {
  /**
   * Before each model call, with the instructions and the conversation. `change` is for this request only; `reject`
   * answers with the reason, without the model; `end` ends the run as refused.
   */
  readonly beforeModel?: (
    messages: readonly Message[],
    ctx: RuleContext,
  ) => Guarded<readonly Message[]> | Promise<Guarded<readonly Message[]>>;
  /** After each answer. `change` puts another text in its place; `reject` tells the model why and asks it again. */
  readonly afterModel?: (answer: GuardedAnswer, ctx: RuleContext) => Guarded<string> | Promise<Guarded<string>>;
  /** Before each call that may run. `change` gives it other arguments, which its schema reads again. */
  readonly beforeTool?: (call: GuardedCall, ctx: RuleContext) => Guarded<object> | Promise<Guarded<object>>;
}

export interface GuardedAnswer {
  readonly text: string;
  readonly calls: readonly { readonly tool: string; readonly arguments: string }[];
}

export interface GuardedCall {
  readonly tool: string;
  /** As the tool's schema made them. */
  readonly arguments: unknown;
}

/** What the model is sent; or, where it is not asked at all, what stands for its answer. */
export async function guardRequest(
  guard: Guardrails['beforeModel'],
  messages: readonly Message[],
  ctx: RuleContext,
): Promise<{ readonly messages: readonly Message[] } | { readonly instead: Planned }> {
  if (!guard) return { messages };
  const said = await asked('beforeModel', ctx, () => guard(messages, ctx));
  if (said === undefined) return { messages };
  if ('change' in said) return { messages: said.change };
  if ('reject' in said) return { instead: { message: answer(said.reject), kind: 'final', plan: [] } };
  return { instead: { ...ended(said.end), message: answer(said.end), plan: [] } };
}

export async function guardAnswer(
  guard: Guardrails['afterModel'],
  planned: Planned,
  repairs: number,
  ctx: RuleContext,
): Promise<Planned> {
  if (!guard || planned.kind === 'refused' || planned.kind === 'ended') return planned;
  const { message } = planned;
  const calls = (message.tool_calls ?? []).map(({ function: { name, arguments: args } }) => ({
    tool: name,
    arguments: args,
  }));
  const said = await asked('afterModel', ctx, () => guard({ text: message.content ?? '', calls }, ctx));
  if (said === undefined) return planned;
  if ('change' in said) return { ...planned, message: { ...message, content: said.change } };
  if ('end' in said) return { ...ended(said.end), message, plan: refuseAll(message.tool_calls, said.end) };
  return sentBack({ message, plan: refuseAll(message.tool_calls, said.reject) }, said.reject, repairs, 'refused');
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
      end: { status, reason: `The model's answer was not acceptable, ${plural(repairs + 1, 'time')} in a row: ${why}` },
    };
  return { message, plan, kind: 'again', ...(plan.length === 0 && { tell: why }) };
}

function answer(text: string): ModelAnswer['message'] {
  return { role: 'assistant', content: text };
}

function ended(reason: string): Pick<Planned, 'kind' | 'end'> {
  return { kind: 'ended', end: { status: 'refused', reason } };
}

export function refuseAll(calls: readonly ToolCall[] = [], why: string): Planned['plan'] {
  return calls.map(() => ({ problem: { kind: 'rejected', error: `not run: ${why}` } }));
}

async function asked<T>(name: string, ctx: RuleContext, guard: () => Guarded<T> | Promise<Guarded<T>>) {
  const said = await askRule(ctx, guard);
  // Nothing gets past a guardrail that does not work; Temporal tries again.
  if (!said.ok)
    throw ApplicationFailure.retryable(`The guardrail ${name} of ${ctx.agent} failed: ${said.error}`, FAILURE.model);
  return said.value ?? undefined;
}
