// What a run was given and what came back: all that is needed to play it again without a model, tools or people.
import type { ToldTool } from '../../activities/define/types.ts';
import { parsed } from '../../core/json.ts';
import { COMPACT_ACTIVITY, MODEL_ACTIVITY, parseActivityId, UPDATE } from '../../core/names.ts';
import { eventId, type Failure, firstJson, type History, type HistoryEvent, jsonAt } from '../../core/read/history.ts';
import { readRun } from '../../core/read/readRun.ts';
import { type Run, type Turn, toolCalls } from '../../core/read/run.ts';
import type {
  Decision,
  FailureKind,
  ModelAnswer,
  RecordedDecision,
  RunInput,
  ToolCallInput,
  Usage,
} from '../../core/types.ts';
import { fieldsOf } from '../../core/wire/fields.ts';
import { commandsIn, type RecordedCommand } from './commands.ts';
import type { RecordedRequests } from './requestParts.ts';

/** A run as plain JSON, without Temporal's history around it. */
export interface Recording {
  readonly format: 1;
  readonly workflowId: string;
  /** As in ISO 8601; absent in recordings of earlier releases. */
  readonly startedAt?: string;
  readonly input: RunInput;
  /** Who started it; absent if that is not recorded. */
  readonly startedBy?: string;
  /** The model's answers, in the order of the turns. */
  readonly answers: readonly RecordedAnswer[];
  /** What the tools returned, in the order in which they were called. */
  readonly results: readonly RecordedResult[];
  readonly decisions: readonly RecordedVerdict[];
  /** Messages of people after the input, in their order, as the model read them. */
  readonly messages: readonly string[];
  /** What people did beside their decisions; absent in recordings of earlier releases, whose messages are sent to an idle session. */
  readonly commands?: readonly RecordedCommand[];
  /** Model calls and compactions that ended without a result, in the order in which they began. */
  readonly unanswered?: readonly RecordedUnanswered[];
  /** The summaries of compactions. */
  readonly summaries?: readonly RecordedSummary[];
  /** What the model knew of its tools, by the name of the agent; a written test has only those of MCP servers. */
  readonly tools?: Readonly<Record<string, readonly ToldTool[]>>;
  readonly end: RecordedEnd;
  /** What a test compares the requests with; `recordTest` adds it. */
  readonly requests?: RecordedRequests;
}

export interface RecordedAnswer {
  /** Absent in recordings of earlier releases, which have an answer for each turn. */
  readonly turn?: number;
  readonly text?: string;
  /** The text with which the model, or its provider, declined. */
  readonly refusal?: string;
  /** `length`: the answer was cut off. */
  readonly finishReason?: string;
  readonly calls?: readonly { readonly tool: string; readonly arguments: string; readonly id: string }[];
  readonly usage: Usage;
  readonly cost?: number;
}

export interface RecordedResult {
  readonly call: string;
  readonly tool: string;
  readonly arguments: unknown;
  readonly outcome: RecordedOutcome;
}

/** How the activity of a call ended. */
export type RecordedOutcome = { readonly result: unknown } | RecordedFailure;

export type RecordedFailure =
  | { readonly failure: { readonly type: string; readonly message: string; readonly details?: unknown } }
  | { readonly timeout: number }
  /** It was cancelled, with these details. */
  | { readonly cancelled: unknown };

export interface RecordedUnanswered {
  /** The activity: `2.model` or `compact.1`. */
  readonly activity: string;
  readonly outcome: RecordedFailure;
}

export interface RecordedSummary {
  readonly compaction: number;
  readonly text: string;
}

export interface RecordedVerdict {
  readonly tool: string;
  readonly arguments: unknown;
  /** null: nobody decided in time. */
  readonly decision: Pick<
    RecordedDecision,
    'verdict' | 'by' | 'role' | 'why' | 'arguments' | 'written' | 'text'
  > | null;
}

export interface RecordedEnd {
  readonly status: Run['status'];
  /** Why it did not complete; null if it did, and absent in recordings of earlier releases. */
  readonly reason?: string | null;
  readonly output: string | null;
  readonly value?: unknown;
  readonly turns: number;
  readonly calls: readonly RecordedCall[];
  readonly tokens: number;
  readonly cost: number;
}

export interface RecordedCall {
  readonly call: string;
  readonly tool: string;
  readonly arguments: unknown;
  readonly ok: boolean | null;
  /** What the model read. */
  readonly text: string | null;
}

/** A run cannot be played again. The message says why. */
export class NotPlayable extends Error {
  override readonly name = 'NotPlayable';
}

/** Reads a recording from all histories of a run, in order. Throws a `NotPlayable`. */
export function recordingOf(...histories: readonly History[]): Recording {
  const run = readRun(...histories);
  const events = histories.flatMap((history) => history.events ?? []);
  const input = inputOf(events, run);
  if (run.fork)
    throw new NotPlayable(
      `${run.workflowId} is a fork: it begins with turns of ${run.fork.of.workflowId}, and not with its input. Play that one.`,
    );
  if (run.earlier && run.earlier.turns > 0)
    throw new NotPlayable(
      `The record of ${run.workflowId} begins with turn ${run.earlier.turns + 1}: the server no longer keeps earlier turns (retention). Play a run that is whole, and export those to play later while they are.`,
    );
  if (run.status === 'terminated' || run.status === 'timed_out' || run.status === 'failed')
    throw new NotPlayable(
      `${run.workflowId} did not come to an end of its own (${run.reason ?? run.status}): there is none to compare with.`,
    );
  const tools = toolsIn(run);
  return {
    format: 1,
    workflowId: run.workflowId,
    startedAt: new Date(run.startedAtMs).toISOString(),
    input,
    ...(run.startedBy !== undefined && { startedBy: run.startedBy }),
    answers: answersIn(events),
    results: [...resultsIn(events), ...childResults(run)],
    decisions: decisionsIn(run, events),
    messages: run.turns.flatMap(({ userMessages }, at) =>
      at === 0 && hasInput(input) ? userMessages.slice(1) : userMessages,
    ),
    commands: commandsIn(events),
    unanswered: unansweredIn(events),
    summaries: run.compactions.flatMap(({ number, summary }) =>
      summary === null ? [] : [{ compaction: number, text: summary }],
    ),
    ...(tools && { tools }),
    end: endOf(run),
  };
}

export function endOf(run: Run): RecordedEnd {
  return {
    status: run.status,
    reason: run.reason,
    output: run.output,
    ...(run.value !== undefined && { value: run.value }),
    turns: run.turns.length,
    calls: toolCalls(run).map(({ turn, slot, tool, arguments: args, ok, text }) => ({
      call: `${turn}.${slot}`,
      tool,
      arguments: parsed(args),
      ok,
      text,
    })),
    tokens: run.usage.inputTokens + run.usage.outputTokens,
    cost: run.spend.cost,
  };
}

function inputOf(events: readonly HistoryEvent[], { workflowId }: Run): RunInput {
  const started = events[0]?.workflowExecutionStartedEventAttributes;
  const input = firstJson(started?.input) as Partial<RunInput> | null | undefined;
  if (!started || typeof input?.agent !== 'string' || typeof input.input !== 'string')
    throw new NotPlayable(`${workflowId || 'This'} is not the history of an agent's run.`);
  return input as RunInput;
}

/** As they last were; undefined if an earlier release has not recorded which definitions an agent that called tools received. */
function toolsIn(run: Run): Recording['tools'] {
  const bodyOf = ({ request }: Turn) => run.frames[request?.recorded?.frame ?? '']?.body;
  const isUnknown = ({ agent, calls }: Turn) =>
    calls.length > 0 && !run.turns.some((turn) => turn.agent === agent && bodyOf(turn));
  if (run.turns.some(isUnknown)) return undefined;
  const tools = new Map<string, Map<string, ToldTool>>();
  for (const turn of run.turns) {
    const { agent } = turn;
    const body = bodyOf(turn);
    const of = tools.get(agent) ?? new Map<string, ToldTool>();
    tools.set(agent, of);
    for (const tool of Array.isArray(body?.['tools']) ? body['tools'] : []) {
      // Chat Completions has them one level deeper than Responses.
      const { name, description, parameters } = fieldsOf(fieldsOf(tool)['function'] ?? tool);
      if (typeof name === 'string')
        of.set(name, { name, description: String(description ?? name), input: fieldsOf(parameters) });
    }
  }
  return Object.fromEntries([...tools].map(([agent, of]) => [agent, [...of.values()]]));
}

/** A session may begin with nothing. */
function hasInput({ input, attachments = [] }: RunInput): boolean {
  return input !== '' || attachments.length > 0;
}

function answersIn(events: readonly HistoryEvent[]): RecordedAnswer[] {
  const answers: RecordedAnswer[] = [];
  for (const { of, completed } of endsIn(events)) {
    if (of.type !== MODEL_ACTIVITY || !completed) continue;
    const { turn } = parseActivityId(of.id) ?? {};
    const answer = completed as Partial<ModelAnswer> | null;
    const { content, tool_calls: calls = [] } = answer?.message ?? { content: null };
    const isText = typeof content === 'string';
    answers.push({
      ...(turn !== undefined && { turn }),
      ...(isText && (answer?.kind === 'refused' ? { refusal: content } : { text: content })),
      ...(answer?.kind === 'truncated' && { finishReason: 'length' }),
      ...(calls.length > 0 && {
        calls: calls.map(({ id, function: { name, arguments: args } }) => ({ tool: name, arguments: args, id })),
      }),
      usage: answer?.usage ?? { inputTokens: 0, outputTokens: 0, cachedTokens: 0 },
      ...(answer?.cost !== undefined && { cost: answer.cost }),
    });
  }
  return answers;
}

function unansweredIn(events: readonly HistoryEvent[]): RecordedUnanswered[] {
  return endsIn(events).flatMap(({ of, outcome }) => {
    const isOfModel = of.type === MODEL_ACTIVITY || of.type === COMPACT_ACTIVITY;
    return isOfModel && !('result' in outcome) ? [{ activity: of.id, outcome }] : [];
  });
}

function resultsIn(events: readonly HistoryEvent[]): RecordedResult[] {
  return endsIn(events).flatMap(({ of, outcome }) =>
    // Calls of tools, and not those of the model, or of an edit.
    parseActivityId(of.id)?.slot == null ? [] : [{ call: of.id, tool: of.type, arguments: of.arguments, outcome }],
  );
}

function decisionsIn(run: Run, events: readonly HistoryEvent[]): RecordedVerdict[] {
  const sent = decisionsSent(events);
  return toolCalls(run).flatMap(
    ({ turn, slot, callId, tool, arguments: args, approval, decision, reason }): RecordedVerdict[] => {
      // As the question had them.
      const of = { tool, arguments: parsed(approval?.arguments ?? args) };
      if (!decision) return reason?.code === 'call_approval_timed_out' ? [{ ...of, decision: null }] : [];
      const { verdict, by, role, why, arguments: edited, written, text } = decision;
      const fields = {
        ...(role !== undefined && { role }),
        ...(edited !== undefined && { arguments: edited }),
        ...(written !== undefined && { written }),
      };
      const last = { ...of, decision: { verdict, by, why, ...fields, ...(text !== undefined && { text }) } };
      // A call that asks once it runs may have needed an approval before.
      const earlier = sent.filter(({ call }) => call === `${turn}.${slot}` || call === callId).slice(0, -1);
      return [
        ...earlier.map(({ verdict, by = null, why = null, roles }) => ({
          ...of,
          decision: { verdict, by, why, ...(roles?.[0] && { role: roles[0] }), ...(verdict === 'edit' && fields) },
        })),
        last,
      ];
    },
  );
}

/** The decisions that counted, in their order. */
function decisionsSent(events: readonly HistoryEvent[]): Decision[] {
  const accepted = new Map<string, Decision>();
  const counted: Decision[] = [];
  for (const event of events) {
    // Each history counts its events from 1.
    if (event.workflowExecutionStartedEventAttributes) accepted.clear();
    const input = event.workflowExecutionUpdateAcceptedEventAttributes?.acceptedRequest?.input;
    const decision = input?.name === UPDATE.decide ? (firstJson(input.args) as Decision | null) : null;
    if (decision) accepted.set(`${eventId(event.eventId)}`, decision);
    const { acceptedEventId, outcome } = event.workflowExecutionUpdateCompletedEventAttributes ?? {};
    const answered = outcome?.success ? accepted.get(`${eventId(acceptedEventId)}`) : undefined;
    if (answered) counted.push(answered);
  }
  return counted;
}

/** What sub-agents answered: their own runs are not part of the recording. */
function childResults(run: Run): RecordedResult[] {
  return toolCalls(run).flatMap(({ turn, slot, tool, arguments: args, childId, ok, text, kind }) =>
    childId === null || text === null
      ? []
      : [
          {
            call: `${turn}.${slot}`,
            tool,
            arguments: parsed(args),
            outcome: ok ? { result: { text } } : childFailure(text, kind),
          },
        ],
  );
}

/** One that was cancelled is cancelled again. */
function childFailure(text: string, kind: FailureKind | null): RecordedFailure {
  return kind === 'cancelled' ? { cancelled: null } : { failure: { type: 'ToolFailed', message: errorIn(text) } };
}

interface Ended {
  readonly of: { readonly id: string; readonly type: string; readonly arguments: unknown };
  readonly outcome: RecordedOutcome;
  /** The result; undefined if it has none. */
  readonly completed?: unknown;
}

/** The activities that ended, in the order in which they were scheduled. */
function endsIn(events: readonly HistoryEvent[]): Ended[] {
  let scheduled = new Map<number, { of: Ended['of']; end?: Omit<Ended, 'of'> }>();
  const all: (typeof scheduled extends Map<number, infer V> ? V : never)[] = [];
  for (const event of events) {
    // Each history counts its events from 1.
    if (event.workflowExecutionStartedEventAttributes) scheduled = new Map();
    const attributes = event.activityTaskScheduledEventAttributes;
    if (attributes) {
      const type = attributes.activityType?.name ?? '';
      const one = { of: { id: attributes.activityId ?? '', type, arguments: argumentsIn(attributes.input) } };
      scheduled.set(eventId(event.eventId), one);
      all.push(one);
    }
    const done = event.activityTaskCompletedEventAttributes;
    const failed = event.activityTaskFailedEventAttributes ?? event.activityTaskTimedOutEventAttributes;
    const cancelled = event.activityTaskCanceledEventAttributes;
    const ended = done ?? failed ?? cancelled;
    const one = ended && scheduled.get(eventId(ended.scheduledEventId));
    if (!one) continue;
    const result = done && firstJson(done.result);
    if (done) one.end = { outcome: { result }, completed: result };
    else if (failed) one.end = { outcome: failureOf(failed.failure ?? {}) };
    else one.end = { outcome: { cancelled: firstJson(cancelled?.details) ?? null } };
  }
  return all.flatMap(({ of, end }) => (end ? [{ of, ...end }] : []));
}

function failureOf({ message, timeoutFailureInfo: timeout, applicationFailureInfo: info }: Failure): RecordedFailure {
  if (timeout) return { timeout: Number(timeout.timeoutType ?? 0) };
  const details = info?.details && firstJson(info.details);
  return {
    failure: { type: info?.type ?? '', message: message ?? '', ...(info?.details && { details }) },
  };
}

/** Of a tool on a queue of its own, the first argument is that of the call. */
function argumentsIn(input: Parameters<typeof firstJson>[0]): unknown {
  const first = firstJson(input);
  if (jsonAt(input, 1) !== undefined) return first;
  const { arguments: args } = (first ?? {}) as Partial<ToolCallInput>;
  return typeof args === 'string' ? parsed(args) : first;
}

/** The message in what the model read of a call that failed. */
export function errorIn(text: string): string {
  const value = parsed(text) as { readonly error?: unknown } | null;
  return typeof value?.error === 'string' ? value.error : text;
}
