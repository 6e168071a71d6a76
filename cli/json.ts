// The documented JSON of runs: the one place that turns the read model into it. Times are ISO 8601.
import type { RunSummary, Schedule } from '../client/index.ts';
import { type Call, type Run, type RunEvent, toolCalls } from '../core/run.ts';

export function runJson(run: Run) {
  return {
    workflowId: run.workflowId,
    runId: run.runId,
    agent: run.agent,
    status: run.status,
    output: run.output,
    reason: run.reason,
    warnings: run.warnings,
    turns: run.turns.length,
    toolCalls: toolCalls(run).map(callJson),
    usage: run.usage,
    startedAt: isoTime(run.startedAtMs),
    endedAt: isoTime(run.endedAtMs),
    durationMs: run.endedAtMs === null ? null : run.endedAtMs - run.startedAtMs,
  };
}

export function callJson({ turn, callId, tool, ok, kind, attempts, startedAtMs, endedAtMs }: Call) {
  return {
    turn,
    callId,
    tool,
    ok,
    ...(kind !== null && { kind }),
    attempts,
    startedAt: isoTime(startedAtMs),
    // A call that never ran took no time; one that runs has not taken it yet.
    durationMs: endedAtMs === null ? null : startedAtMs === null ? 0 : endedAtMs - startedAtMs,
  };
}

export function eventJson(event: RunEvent) {
  const { atMs, ...told } = event;
  const base = { type: told.type, at: isoTime(atMs) };
  if (told.type !== 'call_ended') return { ...base, ...told };
  const { call } = told;
  const { turn, callId, tool, ...outcome } = callJson(call);
  return {
    ...base,
    call: { turn, slot: call.slot, callId, tool, arguments: call.arguments, ...outcome, text: call.text },
  };
}

export function listedJson({ workflowId, runId, agent, state, startedAtMs, endedAtMs }: RunSummary) {
  return {
    workflowId,
    runId,
    agent,
    state: listedState(state),
    startedAt: isoTime(startedAtMs),
    endedAt: isoTime(endedAtMs),
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

/** Temporal spells it with one l; everything else here with two. */
export function listedState(state: string): string {
  return state === 'canceled' ? 'cancelled' : state;
}

export function isoTime(ms: number): string;
export function isoTime(ms: number | null): string | null;
export function isoTime(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

/** The one object or array that a command answers with. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}
