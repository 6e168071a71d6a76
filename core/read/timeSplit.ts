// Where the time of a run went: each instant belongs to one cause. A pure function of the run, for any program.

import { callActivityId } from '../names.ts';
import { NO_WORKER_AFTER_MS } from './openSpans.ts';
import type { Run, RunSpan } from './run.ts';

/**
 * What a time of the run belongs to. Of several at once, the first in this list: work that runs comes before waiting, since the
 * run would not have been faster without the wait; what the run waits for by itself comes before what it waits for of others.
 */
export const TIME_CAUSES = [
  /** The last attempt of a model call or compaction ran. */
  'model',
  /** The last attempt of a tool call ran, or an MCP server worked on its task. */
  'tools',
  /** A sub-agent's run was open. Its own split says what it did. */
  'sub_agents',
  /** Earlier attempts, the pauses between them, and the wait for the end of an outage. History does not tell these apart. */
  'retries',
  /** A workflow task waited long for a worker, or was lost with one; or an activity was given up that nobody had taken. */
  'no_worker',
  /** An activity was scheduled and not started, or cancelled before. History does not tell busy workers from absent ones. */
  'queue',
  'paused',
  /** A question was open. */
  'people',
  /** A session waited for its next message. */
  'idle',
  /** Everything else: workflow tasks, and the server's own time. */
  'orchestration',
] as const;

export type TimeCause = (typeof TIME_CAUSES)[number];

export interface TimeSplit {
  readonly fromMs: number;
  readonly toMs: number;
  /** `toMs - fromMs`, which is the sum of `byCause`. */
  readonly totalMs: number;
  readonly byCause: Readonly<Record<TimeCause, number>>;
  /** Without gaps, in order. */
  readonly parts: readonly TimePart[];
}

export interface TimePart {
  readonly cause: TimeCause;
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * Splits the time from the run's start to its end by what it went into. If the server no longer keeps the first histories, it begins with the first that is there.
 *
 * @param nowMs until when an open run is split; defaults to its last event
 */
export function timeSplit(run: Run, nowMs: number = run.times.toMs): TimeSplit {
  const { fromMs } = run.times;
  const toMs = Math.max(fromMs, run.endedAtMs ?? nowMs);
  const parts = partsOf(causesOf(run.times.spans, toMs), fromMs, toMs);
  const byCause = Object.fromEntries(TIME_CAUSES.map((cause) => [cause, 0])) as Record<TimeCause, number>;
  for (const part of parts) byCause[part.cause] += part.toMs - part.fromMs;
  return { fromMs, toMs, totalMs: toMs - fromMs, byCause, parts };
}

/** One span as the causes that it is made of. */
export function causesOfSpan(span: RunSpan, toMs: number): TimePart[] {
  const { what, scheduledAtMs, startedAtMs, attempts, unstarted } = span;
  const endMs = span.endedAtMs ?? toMs;
  const whole = (cause: TimeCause): TimePart[] => [{ cause, fromMs: scheduledAtMs, toMs: endMs }];
  switch (what) {
    case 'sub_agent':
      return whole('sub_agents');
    case 'task':
      return whole('tools');
    case 'outage':
      return whole('retries');
    case 'people':
    case 'paused':
    case 'idle':
      return whole(what);
    case 'workflow_task':
      // One that is still open may just have been scheduled.
      return span.endedAtMs === null && endMs - scheduledAtMs < NO_WORKER_AFTER_MS ? [] : whole('no_worker');
    case 'model':
    case 'compaction':
    case 'call': {
      const own = what === 'call' ? 'tools' : 'model';
      if (unstarted) return whole(unstarted === 'time' ? 'no_worker' : 'queue');
      // Open, or left open at the end of the run: history has no start, so that its wait counts as its own.
      if (startedAtMs === null) return whole(own);
      return [
        { cause: attempts > 1 && !span.isLook ? 'retries' : 'queue', fromMs: scheduledAtMs, toMs: startedAtMs },
        { cause: own, fromMs: startedAtMs, toMs: endMs },
      ];
    }
  }
}

function causesOf(spans: readonly RunSpan[], toMs: number): TimePart[] {
  return spans.flatMap((span) => causesOfSpan(span, toMs));
}

/** Sweeps over the edges of all intervals; between two edges, the first open cause of the list has the time. */
function partsOf(intervals: readonly TimePart[], fromMs: number, toMs: number): TimePart[] {
  const within = (ms: number) => Math.min(toMs, Math.max(fromMs, ms));
  const edges = intervals
    .filter((one) => within(one.toMs) > within(one.fromMs))
    .flatMap(({ cause, ...one }) => [
      { atMs: within(one.fromMs), cause, change: 1 },
      { atMs: within(one.toMs), cause, change: -1 },
    ])
    .sort((a, b) => a.atMs - b.atMs);
  const open = new Map<TimeCause, number>();
  const parts: TimePart[] = [];
  let sinceMs = fromMs;
  const fill = (untilMs: number) => {
    if (untilMs <= sinceMs) return;
    const cause = TIME_CAUSES.find((one) => (open.get(one) ?? 0) > 0) ?? 'orchestration';
    const last = parts.at(-1);
    if (last?.cause === cause) parts[parts.length - 1] = { ...last, toMs: untilMs };
    else parts.push({ cause, fromMs: sinceMs, toMs: untilMs });
    sinceMs = untilMs;
  };
  for (const { atMs, cause, change } of edges) {
    fill(atMs);
    open.set(cause, (open.get(cause) ?? 0) + change);
  }
  fill(toMs);
  return parts;
}

/** A step that the run could not have gone on without. */
export interface PathStep {
  readonly what: 'model' | 'compaction' | 'call' | 'sub_agent';
  readonly turn: number;
  /** The call id, `<turn>.<slot>`; null for a model call and a compaction. */
  readonly call: string | null;
  /** The tool of a call, or the model's name. */
  readonly name: string | null;
  readonly fromMs: number;
  readonly toMs: number;
  readonly attempts: number;
}

/**
 * Returns the critical path: of each turn, the model call, and the call that the turn waited for last, from when it could begin. A
 * faster step makes the run faster, until another call of the turn becomes the last.
 */
export function criticalPath(run: Run, nowMs: number = run.times.toMs): PathStep[] {
  const endMs = run.endedAtMs ?? nowMs;
  const steps = run.turns.flatMap((turn): PathStep[] => {
    const { answeredAtMs, startedAtMs, attempts, model } = turn;
    const answer: PathStep = {
      what: 'model',
      turn: turn.turn,
      call: null,
      name: model,
      fromMs: startedAtMs,
      toMs: answeredAtMs ?? endMs,
      attempts,
    };
    const ran = turn.calls.filter(({ scheduledAtMs }) => scheduledAtMs !== null);
    const end = (call: (typeof ran)[number]) => call.endedAtMs ?? endMs;
    const [first, ...others] = ran;
    if (!first) return [answer];
    const last = others.reduce((latest, call) => (end(call) > end(latest) ? call : latest), first);
    return [
      answer,
      {
        what: last.childId === null ? 'call' : 'sub_agent',
        turn: turn.turn,
        call: callActivityId(last.turn, last.slot),
        name: last.tool,
        fromMs: last.scheduledAtMs ?? startedAtMs,
        toMs: end(last),
        attempts: last.attempts,
      },
    ];
  });
  const compactions = run.compactions.map(
    ({ turn, startedAtMs, endedAtMs, attempts }): PathStep => ({
      what: 'compaction',
      turn,
      call: null,
      name: null,
      fromMs: startedAtMs,
      toMs: endedAtMs ?? endMs,
      attempts,
    }),
  );
  return [...steps, ...compactions].sort((a, b) => a.fromMs - b.fromMs);
}
