// Turns a model's answer into a message that any model API accepts, and a plan that the workflow can run.

import { PLAN_BYTES_MAX, PLAN_CALLS_MAX, PROVIDER_BYTES_MAX } from '../../core/limits.ts';
import type { Reason } from '../../core/reasons/codes.ts';
import { reason } from '../../core/reasons/reason.ts';
import { count, cutText, jsonBytes } from '../../core/text.ts';
import type {
  AllowedCall,
  AssistantMessage,
  ChildCall,
  Message,
  PlannedCall,
  Problem,
  ToolCall,
} from '../../core/types.ts';
import { nameOf } from '../define/asTool.ts';
import { guardCall, rejectAll } from '../define/guardrails.ts';
import { type Permission, permissionOf } from '../define/permissions.ts';
import { deepFreeze, type RuleContext, runRule } from '../define/rules.ts';
import type { Agent, SubAgent, Tool } from '../define/types.ts';
import { callDigest } from '../digest.ts';
import type { RawCall } from '../model/answer.ts';
import { badAnswer } from '../model/badAnswer.ts';
import { endingOf } from '../model/finish.ts';
import { providerData } from '../model/providerData.ts';
import type { ModelsAnswer } from '../model/streamAnswer.ts';
import { parseArguments, readArguments } from './arguments.ts';
import type { Planned } from './types.ts';

export async function planBatch(
  agent: Agent,
  ctx: RuleContext,
  transcript: readonly Message[],
  answer: ModelsAnswer,
): Promise<Planned> {
  const content = (answer.content || answer.refusal).toWellFormed();
  const { kept, noted } = keptOf(ctx.turn, answer);
  let bytes = jsonBytes(content) + jsonBytes(kept);
  if (bytes > PLAN_BYTES_MAX)
    throw badAnswer(`The model's answer has ${count(content.length)} characters, which is too long.`);
  const ending = endingOf(answer.finishReasons);
  if (answer.refusal || ending === 'withheld')
    return {
      message: { role: 'assistant', content: content || 'The provider withheld the answer.' },
      kind: 'refused',
      plan: [],
    };

  const truncated = ending === 'cut' || isCutOff(agent, answer);
  if (answer.calls.length === 0) {
    if (content === '') throw badAnswer('The model answered with neither text nor calls.');
    return {
      message: { role: 'assistant', content, ...kept },
      kind: truncated ? 'truncated' : 'final',
      ...noted,
      plan: [],
    };
  }
  const ids = callIds(ctx.turn, transcript, answer.calls);
  const plan: PlannedCall[] = [];
  const calls: ToolCall[] = [];
  let end: Reason | undefined;
  for (const [slot, raw] of answer.calls.entries()) {
    let call = truncated ? cutOff : await planInSlot(agent, raw, slot, ctx);
    const size = sizeOf(call);
    if (bytes + size > PLAN_BYTES_MAX) call = beyondLimit;
    else bytes += size;
    const { planned, wire } = call;
    end ??= call.end;
    plan.push(planned);
    calls.push({ id: ids[slot]!, type: 'function', function: { name: wireName(raw.name), arguments: wire } });
  }
  const message: AssistantMessage = { role: 'assistant', content: content || null, tool_calls: calls, ...kept };
  if (end !== undefined)
    return {
      message,
      kind: 'ended',
      end: { status: 'refused', reason: end },
      ...noted,
      plan: rejectAll(calls, end.text),
    };
  return { message, kind: truncated ? 'truncated' : 'calls', ...noted, plan };
}

/** vLLM ends a stream that has calls with "tool_calls", also where the limit of output has cut it off. */
function isCutOff({ maxOutputTokens }: Agent, { calls, usage }: ModelsAnswer): boolean {
  const last = calls.at(-1);
  if (!last || maxOutputTokens === undefined || usage.outputTokens < maxOutputTokens) return false;
  return !parseArguments(last.arguments).ok;
}

/** What the provider wants back, unless it is too much. */
function keptOf(
  turn: number,
  { from, asked, extra, calls }: ModelsAnswer,
): { readonly kept: Pick<AssistantMessage, 'provider'>; readonly noted: Pick<Planned, 'warning'> } {
  const provider = providerData({ from, model: asked }, extra, calls.slice(0, PLAN_CALLS_MAX));
  const bytes = provider ? jsonBytes(provider) : 0;
  if (!provider || bytes <= PROVIDER_BYTES_MAX) return { kept: provider ? { provider } : {}, noted: {} };
  return { kept: {}, noted: { warning: reason('provider_data_dropped', { turn, bytes, max: PROVIDER_BYTES_MAX }) } };
}

/** A planned call, and its arguments as they are sent back to the model: always valid JSON. */
interface PlannedWire {
  readonly planned: PlannedCall;
  readonly wire: string;
  /** Set if a guardrail ends the run. */
  readonly end?: Reason;
}

function problem(kind: Problem['kind'], why: Reason, wire = '{}'): PlannedWire {
  return { planned: { problem: { kind, reason: why } }, wire };
}

/** Bytes that a call adds to the plan's payload. As JSON within JSON, in which a quote takes two bytes. */
function sizeOf({ planned, wire }: PlannedWire): number {
  if ('problem' in planned) return jsonBytes(wire) + jsonBytes(planned.problem);
  const { arguments: changed = '', ask, child } = planned;
  const texts = [wire, changed, ask?.question ?? '', ask?.by ?? '', child?.input ?? '', child?.context ?? ''];
  return texts.reduce<number>((sum, text) => sum + jsonBytes(text), 0);
}

const cutOff = problem('invalid_arguments', reason('answer_cut_off'));

const beyondLimit = problem('too_large', reason('turn_too_large', { max: PLAN_BYTES_MAX }));

async function planInSlot(agent: Agent, raw: RawCall, slot: number, ctx: RuleContext): Promise<PlannedWire> {
  if (slot >= PLAN_CALLS_MAX)
    return problem('too_large', reason('too_many_calls', { max: PLAN_CALLS_MAX, number: slot + 1 }));
  return planCall(agent, raw, ctx);
}

/** Plans one call: reads its arguments, runs the guardrail, then applies permissions and approval rules. */
export async function planCall(
  agent: Agent,
  raw: Pick<RawCall, 'name' | 'arguments'>,
  ctx: RuleContext,
): Promise<PlannedWire> {
  const tool = agent.tools.get(raw.name);
  if (!tool) return problem('unknown_tool', unknownTool(agent, raw.name), wireOf(parseArguments(raw.arguments)));
  const read = await readArguments(tool, raw.arguments);
  const wire = wireOf(read);
  if (!read.ok) return problem(read.problem.kind, read.problem.reason, wire);
  const { beforeTool } = agent.guardrails;
  if (!beforeTool) return { planned: await applyPermissions(agent, tool, read, undefined, ctx), wire };

  const verdict = await guardCall(beforeTool, { tool: tool.name, arguments: read.value }, ctx);
  switch (verdict.kind) {
    case 'allow':
      return { planned: await applyPermissions(agent, tool, read, undefined, ctx), wire };
    case 'reject':
      return problem('rejected', reason('rejected_by_guardrail', { why: verdict.why }), wire);
    case 'end': {
      const rejected = problem('rejected', reason('rejected_by_guardrail', { why: verdict.why }), wire);
      return { ...rejected, end: reason('guardrail', { message: verdict.why }) };
    }
    case 'change': {
      const changed = jsonOf(verdict.change);
      const reread = await readArguments(tool, changed);
      if (!reread.ok) {
        const { text } = reread.problem.reason;
        return problem('rejected', reason('guardrail_changed_badly', { problem: text }), wire);
      }
      return { planned: await applyPermissions(agent, tool, reread, changed, ctx), wire };
    }
  }
}

/** The value as JSON. For a value that has none, a text that fails to parse. */
function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'undefined';
  } catch (error) {
    return error instanceof Error ? error.message : 'unreadable';
  }
}

async function applyPermissions(
  agent: Agent,
  tool: Tool,
  read: { readonly json: object; readonly value: unknown },
  changed: string | undefined,
  ctx: RuleContext,
): Promise<PlannedCall> {
  const args = deepFreeze(read.value);
  const permission = await permissionOf(agent, tool, args, ctx);
  if (permission.kind === 'denied')
    return { problem: { kind: 'rejected', reason: reason('not_permitted', { why: permission.reason }) } };
  const { subAgent, handoff } = tool;
  const asked = subAgent && (await runRule(ctx, () => askSubAgent(subAgent, args, ctx)));
  if (asked && !asked.ok) {
    const why = reason('sub_agent_input', { tool: tool.name, error: asked.error });
    return { problem: { kind: 'invalid_arguments', reason: why } };
  }
  return {
    digest: callDigest(tool.name, read.json),
    ...askOf(permission, tool),
    ...(changed !== undefined && { arguments: changed }),
    ...(asked && { child: asked.value }),
    ...(handoff !== undefined && { handoff: nameOf(handoff) }),
  };
}

async function askSubAgent({ agent, ask, context }: SubAgent, args: unknown, ctx: RuleContext): Promise<ChildCall> {
  const child: ChildCall = { agent: nameOf(agent), input: ask(args) };
  return context ? { ...child, context: await context(ctx.context, args) } : child;
}

function askOf(permission: Permission, { external }: Tool): Pick<AllowedCall, 'ask'> {
  if (permission.kind !== 'ask') return external ? { ask: { question: null, external: true } } : {};
  const { kind: _, ...ask } = permission;
  return { ask: external ? { ...ask, external: true } : ask };
}

/** The arguments that the transcript keeps, for the model and for people: valid JSON, whatever the model wrote. */
function wireOf({ text = '{}' }: { readonly text?: string }): string {
  return text;
}

/** A name that the API accepts. It restricts the characters even of tools that do not exist. */
function wireName(name: string): string {
  return name.replace(/[^a-zA-Z0-9_-]/g, '_').slice(0, 64) || 'unnamed';
}

function unknownTool(agent: Agent, name: string): Reason {
  const available = [...agent.tools.keys()];
  const asked = name.trim().toLowerCase();
  const suggestion = available.find((known) => known.toLowerCase() === asked);
  return reason('unknown_tool', { name: cutText(name, 100), ...(suggestion && { suggestion }), available });
}

/** Ids that OpenAI accepts (up to 40 characters) and that are safe to display anywhere. */
const ID_PATTERN = /^[!-~]{1,40}$/;

/** The model's own ids if they are valid and new in the conversation; deterministic ones otherwise. */
function callIds(turn: number, transcript: readonly Message[], calls: readonly RawCall[]): string[] {
  const used = new Set(
    transcript.flatMap((message) =>
      message.role === 'assistant' ? (message.tool_calls ?? []).map(({ id }) => id) : [],
    ),
  );
  return calls.map(({ id: given }, slot) => {
    let id = ID_PATTERN.test(given) && !used.has(given) ? given : `call_${turn}_${slot}`;
    while (used.has(id)) id = `${id}_`;
    used.add(id);
    return id;
  });
}
