// What a run was given and what came back: all that is needed to play it again without a model, tools or people.
import { parsed } from '../../core/json.ts';
import { MODEL_ACTIVITY, parseActivityId } from '../../core/names.ts';
import { eventId, firstJson, type History, type HistoryEvent, jsonAt } from '../../core/read/history.ts';
import { readRun } from '../../core/read/readRun.ts';
import { type Run, toolCalls } from '../../core/read/run.ts';
import type { ModelAnswer, RecordedDecision, RunInput, ToolCallInput, Usage } from '../../core/types.ts';
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
  /** Messages of people after the input, in their order. */
  readonly messages: readonly string[];
  readonly end: RecordedEnd;
  /** What a test compares the requests with; `recordTest` adds it. */
  readonly requests?: RecordedRequests;
}

export interface RecordedAnswer {
  readonly text?: string;
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
export type RecordedOutcome =
  | { readonly result: unknown }
  | { readonly failure: { readonly type: string; readonly message: string; readonly details?: unknown } }
  | { readonly timeout: number };

export interface RecordedVerdict {
  readonly tool: string;
  readonly arguments: unknown;
  readonly decision: Pick<RecordedDecision, 'verdict' | 'by' | 'role' | 'why' | 'arguments' | 'written' | 'text'>;
}

export interface RecordedEnd {
  readonly status: Run['status'];
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
  return {
    format: 1,
    workflowId: run.workflowId,
    startedAt: new Date(run.startedAtMs).toISOString(),
    input,
    ...(run.startedBy !== undefined && { startedBy: run.startedBy }),
    answers: answersIn(events),
    results: [...resultsIn(events), ...childResults(run)],
    decisions: toolCalls(run).flatMap(({ tool, arguments: args, decision }) => {
      if (!decision) return [];
      const { verdict, by, role, why, arguments: edited, written, text } = decision;
      const fields = {
        ...(role !== undefined && { role }),
        ...(edited !== undefined && { arguments: edited }),
        ...(written !== undefined && { written }),
      };
      return [
        {
          tool,
          arguments: parsed(args),
          decision: { verdict, by, why, ...fields, ...(text !== undefined && { text }) },
        },
      ];
    }),
    messages: run.turns.flatMap(({ userMessages }, at) => (at === 0 ? userMessages.slice(1) : userMessages)),
    end: endOf(run),
  };
}

export function endOf(run: Run): RecordedEnd {
  return {
    status: run.status,
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

function answersIn(events: readonly HistoryEvent[]): RecordedAnswer[] {
  const answers: RecordedAnswer[] = [];
  for (const { of, completed } of endsIn(events)) {
    if (of.type !== MODEL_ACTIVITY || !completed) continue;
    const answer = completed as Partial<ModelAnswer> | null;
    const { content, tool_calls: calls = [] } = answer?.message ?? { content: null };
    answers.push({
      ...(typeof content === 'string' && { text: content }),
      ...(calls.length > 0 && {
        calls: calls.map(({ id, function: { name, arguments: args } }) => ({ tool: name, arguments: args, id })),
      }),
      usage: answer?.usage ?? { inputTokens: 0, outputTokens: 0, cachedTokens: 0 },
      ...(answer?.cost !== undefined && { cost: answer.cost }),
    });
  }
  return answers;
}

function resultsIn(events: readonly HistoryEvent[]): RecordedResult[] {
  const results: RecordedResult[] = [];
  for (const { of, completed, failure } of endsIn(events)) {
    const place = parseActivityId(of.id);
    // Calls of tools, and not those of the model, or of an edit.
    if (place?.slot == null) continue;
    const { timeoutFailureInfo: timeout, applicationFailureInfo: info } = failure ?? {};
    const outcome: RecordedOutcome = !failure
      ? { result: completed }
      : timeout
        ? { timeout: Number(timeout.timeoutType ?? 0) }
        : {
            failure: {
              type: info?.type ?? '',
              message: failure.message ?? '',
              ...(info?.details && { details: firstJson(info.details) }),
            },
          };
    results.push({ call: of.id, tool: of.type, arguments: of.arguments, outcome });
  }
  return results;
}

/** What sub-agents answered: their own runs are not part of the recording. */
function childResults(run: Run): RecordedResult[] {
  return toolCalls(run).flatMap(({ turn, slot, tool, arguments: args, childId, ok, text }) =>
    childId === null || text === null
      ? []
      : [
          {
            call: `${turn}.${slot}`,
            tool,
            arguments: parsed(args),
            outcome: ok ? { result: { text } } : { failure: { type: 'ToolFailed', message: errorIn(text) } },
          },
        ],
  );
}

interface Ended {
  readonly of: { readonly id: string; readonly type: string; readonly arguments: unknown };
  /** The result; undefined if it failed. */
  readonly completed?: unknown;
  readonly failure?: NonNullable<NonNullable<HistoryEvent['activityTaskFailedEventAttributes']>['failure']>;
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
    const ended = done ?? failed;
    const one = ended && scheduled.get(eventId(ended.scheduledEventId));
    if (one && done) one.end = { completed: firstJson(done.result) };
    else if (one && failed) one.end = { failure: failed.failure ?? {} };
  }
  return all.flatMap(({ of, end }) => (end ? [{ of, ...end }] : []));
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
