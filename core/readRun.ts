// Reads a run from its history and nothing else. It takes the workflow's own steps: what happened to a call is told by
// the same function that told it to the workflow.
import { causeOf, endOf } from './ends.ts';
import { batchWarning, outcomeText } from './failures.ts';
import { eventId, firstJson, type History, type HistoryEvent, timeMs } from './history.ts';
import { WARNINGS_MAX } from './limits.ts';
import { MODEL_ACTIVITY, parseActivityId } from './names.ts';
import type { Call, Run, RunEvent, Turn } from './run.ts';
import { type FailureCause, failedOutcome, notStarted, refused } from './toolFailure.ts';
import type { AgentRecord, Message, ModelAnswer, Outcome, RunInput, ToolCallResult } from './types.ts';
import { addUsage, NO_USAGE } from './usage.ts';

export interface RunReader {
  /** Takes the next event of the history, and says what it means. */
  add(event: HistoryEvent): RunEvent[];
  read(): Run;
}

/** The run that a history tells of. */
export function readRun(history: History): Run {
  const reader = createRunReader();
  for (const event of history.events ?? []) reader.add(event);
  return reader.read();
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };
type OpenTurn = Writable<Omit<Turn, 'calls'>> & { calls: OpenCall[]; answer: ModelAnswer | undefined };
type OpenCall = Writable<Call> & { outcome: Outcome | undefined };

interface Activity {
  readonly turn: OpenTurn;
  /** undefined for the model call. */
  readonly call: OpenCall | undefined;
}

export function createRunReader(): RunReader {
  const run: Writable<Omit<Run, 'turns' | 'transcript'>> = {
    workflowId: '',
    runId: '',
    agent: '',
    status: 'running',
    input: '',
    output: null,
    reason: null,
    warnings: [],
    startedAtMs: 0,
    endedAtMs: null,
    usage: NO_USAGE,
  };
  const turns: OpenTurn[] = [];
  const activities = new Map<number, Activity>();
  let agent: AgentRecord | undefined;

  return { add, read };

  function add(event: HistoryEvent): RunEvent[] {
    const atMs = timeMs(event);
    if (event.workflowExecutionStartedEventAttributes) return started(event, atMs);
    if (event.activityTaskScheduledEventAttributes) return scheduled(event, atMs);
    if (event.activityTaskStartedEventAttributes) {
      const { scheduledEventId, attempt } = event.activityTaskStartedEventAttributes;
      const activity = activities.get(eventId(scheduledEventId));
      if (activity?.call) activity.call.startedAtMs = atMs;
      if (activity) (activity.call ?? activity.turn).attempts = attempt ?? 1;
      return [];
    }
    const result = event.activityTaskCompletedEventAttributes;
    if (result) return succeeded(activities.get(eventId(result.scheduledEventId)), firstJson(result.result), atMs);
    const failed = event.activityTaskFailedEventAttributes ?? event.activityTaskTimedOutEventAttributes;
    if (failed) return ended(activities.get(eventId(failed.scheduledEventId)), causeOf(failed.failure), atMs);
    const cancelled = event.activityTaskCanceledEventAttributes;
    if (cancelled) return ended(activities.get(eventId(cancelled.scheduledEventId)), { source: 'cancelled' }, atMs);
    return closed(event, atMs);
  }

  function started(event: HistoryEvent, atMs: number): RunEvent[] {
    const { workflowId, originalExecutionRunId, input } = event.workflowExecutionStartedEventAttributes!;
    // A run may be started with anything; what is no text reads as none.
    const given = (firstJson(input) ?? {}) as Partial<RunInput>;
    run.workflowId = workflowId ?? '';
    run.runId = originalExecutionRunId ?? '';
    run.agent = typeof given.agent === 'string' ? given.agent : '';
    run.input = typeof given.input === 'string' ? given.input : '';
    run.startedAtMs = atMs;
    return [{ type: 'started', atMs, agent: run.agent, input: run.input }];
  }

  function scheduled(event: HistoryEvent, atMs: number): RunEvent[] {
    const { activityId, activityType } = event.activityTaskScheduledEventAttributes!;
    const place = parseActivityId(activityId ?? '');
    if (!place) return [];
    const id = eventId(event.eventId);
    if (activityType?.name === MODEL_ACTIVITY) {
      const turn = openTurn(place.turn, atMs);
      turns.push(turn);
      activities.set(id, { turn, call: undefined });
      return [{ type: 'asked', atMs, turn: place.turn }];
    }
    const turn = turns.at(-1);
    const call = turn?.calls[place.slot ?? -1];
    if (!turn || !call) return [];
    call.scheduledAtMs = atMs;
    activities.set(id, { turn, call });
    return [{ type: 'call_scheduled', atMs, turn: call.turn, slot: call.slot, callId: call.callId, tool: call.tool }];
  }

  function succeeded(activity: Activity | undefined, result: unknown, atMs: number): RunEvent[] {
    if (!activity) return [];
    const { turn, call } = activity;
    // What our own activities returned; a history of other code reads as far as it is alike.
    if (call) return [settle(call, { ok: true, tool: call.tool, text: (result as ToolCallResult)?.text ?? '' }, atMs)];
    const answer = result as ModelAnswer | undefined;
    if (!answer?.message) return [];
    const { message, plan, usage, model } = answer;
    Object.assign(turn, { answer, answeredAtMs: atMs, usage, model, text: message.content });
    run.usage = addUsage(run.usage, usage);
    if (message.content) run.output = message.content;
    agent = answer.agent ?? agent;
    turn.calls = (message.tool_calls ?? []).map((asked, slot) => openCall(turn.turn, slot, asked.id, asked.function));
    const calls = turn.calls.map(({ callId, tool, arguments: args }) => ({ callId, tool, arguments: args }));
    const problems = turn.calls.flatMap((asked, slot) => {
      const planned = plan[slot];
      return planned && 'problem' in planned ? [settle(asked, refused(asked.tool, planned.problem), atMs)] : [];
    });
    return [{ type: 'answered', atMs, turn: turn.turn, text: message.content, calls, usage }, ...problems];
  }

  function ended(activity: Activity | undefined, cause: FailureCause, atMs: number): RunEvent[] {
    if (!activity) return [];
    const { turn, call } = activity;
    if (call) {
      const policy = agent?.policies[call.tool];
      return policy ? [settle(call, failedOutcome(call.tool, cause, policy), atMs)] : [];
    }
    turn.answeredAtMs = atMs;
    turn.error = 'message' in cause ? cause.message : cause.source;
    return [];
  }

  function closed(event: HistoryEvent, atMs: number): RunEvent[] {
    const end = endOf(event);
    if (!end) return [];
    const { status, result, reason } = end;
    run.status = status;
    run.endedAtMs = atMs;
    run.reason = reason;
    run.output = result?.output ?? run.output;
    const left = turns.flatMap((turn) => turn.calls).filter((call) => call.ok === null);
    const events: RunEvent[] = left.map((call) => settle(call, leftAtTheEnd(call), atMs));
    run.warnings =
      result?.warnings ??
      turns.flatMap((turn) => batchWarning(turn.turn, outcomesOf(turn)) ?? []).slice(0, WARNINGS_MAX);
    return [...events, { type: 'ended', atMs, status, output: run.output, reason }];
  }

  /** What is known of a call that the run's end came before. */
  function leftAtTheEnd(call: OpenCall): Outcome {
    const policy = call.scheduledAtMs === null ? undefined : agent?.policies[call.tool];
    if (!policy) return notStarted(call.tool);
    return failedOutcome(call.tool, { source: 'other', message: 'the run ended while it was under way' }, policy);
  }

  function read(): Run {
    const system: Message[] = agent ? [{ role: 'system', content: agent.instructions }] : [];
    const user: Message[] = [{ role: 'user', content: run.input }];
    const said = turns.flatMap((turn): Message[] => [
      ...(turn.answer ? [turn.answer.message] : []),
      ...turn.calls.flatMap(({ callId, text }): Message[] =>
        text === null ? [] : [{ role: 'tool', tool_call_id: callId, content: text }],
      ),
    ]);
    return {
      ...run,
      turns: turns.map(({ answer: _, calls, ...turn }) => ({
        ...turn,
        calls: calls.map(({ outcome: _, ...call }) => call),
      })),
      transcript: [...system, ...user, ...said],
    };
  }
}

function openTurn(turn: number, askedAtMs: number): OpenTurn {
  return {
    turn,
    askedAtMs,
    answeredAtMs: null,
    attempts: 0,
    model: null,
    text: null,
    usage: NO_USAGE,
    error: null,
    calls: [],
    answer: undefined,
  };
}

function openCall(turn: number, slot: number, callId: string, asked: { name: string; arguments: string }): OpenCall {
  return {
    turn,
    slot,
    callId,
    tool: asked.name,
    arguments: asked.arguments,
    ok: null,
    kind: null,
    text: null,
    attempts: 0,
    scheduledAtMs: null,
    startedAtMs: null,
    endedAtMs: null,
    outcome: undefined,
  };
}

function settle(call: OpenCall, outcome: Outcome, atMs: number): RunEvent {
  call.outcome = outcome;
  call.ok = outcome.ok;
  call.kind = outcome.ok ? null : outcome.kind;
  call.text = outcomeText(outcome);
  call.endedAtMs = atMs;
  const { outcome: _, ...told } = call;
  return { type: 'call_ended', atMs, call: told };
}

function outcomesOf(turn: OpenTurn): Outcome[] {
  return turn.calls.flatMap((call) => call.outcome ?? []);
}
