// Turns the read model into the documented JSON of runs. Times are ISO 8601.

import type {
  Decided,
  FamilyEvent,
  FleetEvent,
  ForkSummary,
  RunSummary,
  Schedule,
  Waiting,
} from '../../client/index.ts';
import { listedState } from '../../client/lists/listedStatus.ts';
import { type Call, type Compaction, countsOf, type Run, type RunEvent, toolCalls } from '../../core/read/run.ts';
import type { Question, RecordedDecision } from '../../core/types.ts';

export function runJson(run: Run) {
  return {
    workflowId: run.workflowId,
    runId: run.runId,
    agent: run.agent,
    status: run.status,
    context: run.context,
    ...(run.labels && { labels: run.labels }),
    ...(run.startedBy !== undefined && { startedBy: run.startedBy }),
    session: run.session,
    output: run.output,
    ...(run.value !== undefined && { value: run.value }),
    reason: run.reason,
    reasonCode: run.reasonCode,
    reasonParameters: run.reasonParameters,
    warnings: run.warnings,
    turns: countsOf(run).turns,
    ...(run.fork && { fork: run.fork }),
    ...(run.resets && { resets: run.resets.map(({ atMs, ...reset }) => ({ at: isoTime(atMs), ...reset })) }),
    ...(run.earlier && { earlier: run.earlier }),
    toolCalls: toolCalls(run).map(callJson),
    paused: run.paused,
    questions: run.questions.map(questionJson),
    usage: run.usage,
    spend: run.spend,
    compactions: run.compactions.map(compactionJson),
    budget: run.budget,
    startedAt: isoTime(run.startedAtMs),
    endedAt: isoTime(run.endedAtMs),
    durationMs: run.endedAtMs === null ? null : run.endedAtMs - run.startedAtMs,
  };
}

export function callJson(call: Call) {
  const { turn, callId, tool, ok, kind, reason, attempts, startedAtMs, endedAtMs, decision, childId } = call;
  return {
    turn,
    callId,
    tool,
    ok,
    ...(kind !== null && { kind }),
    ...(reason !== null && { reason }),
    ...(decision !== null && { decision: decisionJson(decision) }),
    ...(childId !== null && { childId }),
    attempts,
    startedAt: isoTime(startedAtMs),
    // 0 for a call that never ran, null for one that has not ended.
    durationMs: endedAtMs === null ? null : startedAtMs === null ? 0 : endedAtMs - startedAtMs,
  };
}

/** Of one run, of a family, or of one of many runs. */
export function eventJson(event: RunEvent | FamilyEvent | (FleetEvent & { readonly cursor?: string | undefined })) {
  const { atMs, ...rest } = event;
  const { id, workflowId, path, cursor } = event as Partial<FamilyEvent>;
  const base = {
    type: rest.type,
    at: isoTime(atMs),
    ...(id !== undefined && { id }),
    ...(workflowId !== undefined && { workflowId }),
    ...(path !== undefined && { path }),
    ...(cursor !== undefined && { cursor }),
  };
  if (rest.type === 'question') return { ...base, question: questionJson(rest.question) };
  if (rest.type === 'decision') return { ...base, decision: decisionJson(rest.decision) };
  if (rest.type === 'compaction_started' || rest.type === 'compaction_ended')
    return { ...base, compaction: compactionJson(rest.compaction) };
  if (rest.type !== 'call_ended') return { ...base, ...rest };
  const { call } = rest;
  const { turn, callId, tool, ...fields } = callJson(call);
  return {
    ...base,
    call: { turn, slot: call.slot, callId, tool, arguments: call.arguments, ...fields, text: call.text },
  };
}

export function compactionJson({ startedAtMs, endedAtMs, ...compaction }: Compaction) {
  return { ...compaction, startedAt: isoTime(startedAtMs), endedAt: isoTime(endedAtMs) };
}

/** The same in a run's object, in its events and in the inbox. */
export function questionJson(question: Question) {
  if (question.kind === 'budget') {
    const { sinceMs, ...budget } = question;
    return { ...budget, since: isoTime(sinceMs) };
  }
  const { sinceMs, expiresAtMs, ...approval } = question;
  return { ...approval, since: isoTime(sinceMs), expiresAt: isoTime(expiresAtMs) };
}

export function forkJson({ startedAtMs, ...fork }: ForkSummary) {
  return { ...fork, startedAt: isoTime(startedAtMs) };
}

export function decisionJson({ atMs, ...decision }: RecordedDecision) {
  return { ...decision, at: isoTime(atMs) };
}

export function decidedJson(workflowId: string, { isFirst, ...decision }: Decided) {
  return { workflowId, ...decisionJson(decision), isFirst };
}

export function waitingJson({ sinceMs, questions, ...waiting }: Waiting) {
  return { ...waiting, since: isoTime(sinceMs), questions: questions.map(questionJson) };
}

export function listedJson(run: RunSummary) {
  const { workflowId, runId, agent, parentId, labels, cursor, forkOf, state, status, waiting, startedAtMs, endedAtMs } =
    run;
  return {
    workflowId,
    runId,
    agent,
    parentId,
    labels,
    ...(forkOf && { forkOf }),
    state: listedState(state),
    status: status ?? listedState(state),
    waiting,
    ...(run.input !== undefined && { input: run.input }),
    startedAt: isoTime(startedAtMs),
    endedAt: isoTime(endedAtMs),
    cursor,
  };
}

export function scheduleJson({ nextRunAtMs, lastRun, runs, skipped, ...schedule }: Schedule) {
  return {
    ...schedule,
    nextRunAt: isoTime(nextRunAtMs),
    lastRun: lastRun && {
      workflowId: lastRun.workflowId,
      runId: lastRun.runId,
      startedAt: isoTime(lastRun.startedAtMs),
    },
    runs,
    skipped,
  };
}

/** Temporal spells it with one l; we use two everywhere. */
export function isoTime(ms: number): string;
export function isoTime(ms: number | null): string | null;
export function isoTime(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
