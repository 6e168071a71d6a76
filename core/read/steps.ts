// A run as steps, one for each thing that happened, to go through forwards and back: a pure function of its histories.
import { callActivityId } from '../names.ts';
import type { AgentRecord, ModelAnswer, PlannedCall, Spend } from '../types.ts';
import { eventId, type Failure, firstJson, type History, type HistoryEvent } from './history.ts';
import { createRunReader } from './readRun.ts';
import { isLive, type LiveEvent, type Run, type RunEvent } from './run.ts';

export interface RunStep {
  /** From 1. */
  readonly number: number;
  readonly atMs: number;
  /** Number of the history, from 1, and of its event. */
  readonly history: number;
  readonly eventId: number;
  /** null before the first turn. */
  readonly turn: number | null;
  /** The call id, `<turn>.<slot>`; null for what is of no call. */
  readonly call: string | null;
  readonly event: Exclude<RunEvent, LiveEvent>;
  /** What the run has spent so far, this step included. */
  readonly spend: Spend;
  readonly failed: boolean;
  /** Of an answer: what was decided about each call. */
  readonly plan?: readonly PlannedCall[];
  /** Of an answer that the model has to give again: the message to it. */
  readonly tell?: string;
  /** Of an answer: what has changed in the agent since it was last recorded. */
  readonly agentChanged?: readonly string[];
  /** Of a call's end and an answer: how the attempt before the last one failed. */
  readonly lastFailure?: string;
}

/** Returns the run and its steps. */
export function readSteps(histories: readonly History[]): { readonly run: Run; readonly steps: readonly RunStep[] } {
  const reader = createRunReader();
  const steps: RunStep[] = [];
  const failures = new Map<number, string>();
  let spend: Spend | undefined;
  let turn: number | null = null;
  let agent: AgentRecord | undefined;
  for (const [at, { events }] of histories.entries())
    for (const event of events ?? []) {
      const started = event.activityTaskStartedEventAttributes;
      const failure = started?.lastFailure && failureText(started.lastFailure);
      if (failure) failures.set(eventId(started.scheduledEventId), failure);
      const happened = reader.add(event);
      if (spend === undefined || happened.some(spends)) spend = reader.read().spend;
      const answer = happened.some(({ type }) => type === 'answer') ? answerIn(event) : undefined;
      const lastFailure = failures.get(scheduledBy(event));
      for (const one of happened) {
        if (isLive(one)) continue;
        if ('turn' in one) turn = one.turn;
        const isAnswer = one.type === 'answer' && answer !== undefined;
        const changed = isAnswer && answer.agent ? changesOf(agent, answer.agent) : [];
        steps.push({
          number: steps.length + 1,
          atMs: one.atMs,
          history: at + 1,
          eventId: eventId(event.eventId),
          turn,
          call: callOf(one),
          event: one,
          spend,
          failed: isFailure(one),
          ...(isAnswer && { plan: answer.plan, ...(answer.tell !== undefined && { tell: answer.tell }) }),
          ...(changed.length > 0 && { agentChanged: changed }),
          ...(lastFailure !== undefined && (isAnswer || one.type === 'call_ended') && { lastFailure }),
        });
      }
      agent = answer?.agent ?? agent;
    }
  return { run: reader.read(), steps };
}

function spends({ type }: RunEvent): boolean {
  return type === 'answer' || type === 'call_ended' || type === 'compaction_ended' || type === 'ended';
}

function isFailure(event: RunEvent): boolean {
  switch (event.type) {
    case 'call_ended':
      return event.call.ok === false;
    case 'compaction_ended':
      return event.compaction.error !== null;
    case 'reply':
      return event.reply.status !== 'completed';
    case 'ended':
      return event.status !== 'completed';
    default:
      return event.type === 'model_unavailable';
  }
}

function callOf(event: RunEvent): string | null {
  switch (event.type) {
    case 'call_scheduled':
      return callActivityId(event.turn, event.slot);
    case 'call_ended':
      return callActivityId(event.call.turn, event.call.slot);
    case 'question':
      return event.question.kind === 'approval' ? event.question.call : null;
    case 'decision':
      return event.decision.call;
    default:
      return null;
  }
}

/** The answer as the model call recorded it; undefined for an event that is none. */
function answerIn(event: HistoryEvent): ModelAnswer | undefined {
  // The read model has checked it before it reported an answer.
  return firstJson(event.activityTaskCompletedEventAttributes?.result) as ModelAnswer | undefined;
}

function scheduledBy(event: HistoryEvent): number {
  const ended =
    event.activityTaskCompletedEventAttributes ??
    event.activityTaskFailedEventAttributes ??
    event.activityTaskTimedOutEventAttributes ??
    event.activityTaskCanceledEventAttributes;
  return ended ? eventId(ended.scheduledEventId) : -1;
}

/** The innermost cause says what went wrong; those around it say where. */
function failureText(failure: Failure): string {
  let at = failure;
  while (at.cause) at = at.cause;
  return at.message ?? '';
}

function changesOf(before: AgentRecord | undefined, after: AgentRecord): string[] {
  if (!before) return [];
  const fields = ['instructions', 'rules', 'policies', 'body'] as const;
  return fields.filter((field) => JSON.stringify(before[field]) !== JSON.stringify(after[field]));
}
