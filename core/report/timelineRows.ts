// The rows of a run's timeline: what each model call, tool call and compaction waited for, and when it ran.
import { callActivityId } from '../names.ts';
import { type FoldedCall, type FoldedTurn, foldTurns } from '../read/foldTurns.ts';
import type { Call, Compaction, Run, RunSpan } from '../read/run.ts';
import { causesOfSpan, type TimePart } from '../read/timeSplit.ts';

export interface TimelineRow {
  readonly kind: 'model' | 'call' | 'compaction';
  readonly state: 'ok' | 'failed' | 'open' | 'unstarted';
  /** `turn 3` or `turns 3–9` of a model call, the tool of a call. */
  readonly label: string;
  /** The call id of a call; null for other rows. */
  readonly call: string | null;
  readonly parts: readonly TimePart[];
  /** `same call × 7`, `3 attempts`, `timeout`; empty if there is nothing to say. */
  readonly note: string;
}

/** Returns the rows in the order of the turns, with repeated calls folded. */
export function timelineRows(run: Run, nowMs: number): TimelineRow[] {
  const toMs = run.endedAtMs ?? nowMs;
  const spans = new Map<string, RunSpan[]>();
  for (const span of run.times.spans) {
    const key = keyOf(span);
    const known = spans.get(key);
    if (known) known.push(span);
    else spans.set(key, [span]);
  }
  const between = (what: string, first: number, last: number, slot: number | null): TimePart[] => {
    const parts: TimePart[] = [];
    for (let turn = first; turn <= last; turn++)
      for (const span of spans.get(`${what}/${turn}/${slot}`) ?? []) parts.push(...causesOfSpan(span, toMs));
    return parts;
  };
  const broken = new Set(run.compactions.map(({ turn }) => turn));
  return foldTurns(run.turns, broken).flatMap((folded) => {
    const { turn, last, calls } = folded;
    return [
      modelRow(folded, run.turns[0]?.agent, between('model', turn.turn, last.turn, null)),
      ...calls.map((one) => callRow(one, last.turn, turn.answeredAtMs ?? turn.startedAtMs, toMs, between)),
      ...run.compactions.filter((one) => one.turn === last.turn).map((one) => compactionRow(one, toMs)),
    ];
  });
}

function keyOf({ what, turn, slot }: RunSpan): string {
  return `${what === 'sub_agent' ? 'call' : what}/${turn}/${slot}`;
}

function modelRow({ turn, last }: FoldedTurn, first: string | undefined, parts: TimePart[]): TimelineRow {
  const { agent, error, answeredAtMs, attempts, model } = turn;
  const which = turn === last ? `turn ${turn.turn}` : `turns ${turn.turn}–${last.turn}`;
  return {
    kind: 'model',
    state: error === null ? (answeredAtMs === null ? 'open' : 'ok') : 'failed',
    label: agent === first ? which : `${which}, ${agent}`,
    call: null,
    parts,
    note: notes(model ?? '', attempted(attempts), error ?? ''),
  };
}

function callRow(
  { call, last, times }: FoldedCall,
  lastTurn: number,
  askedAtMs: number,
  toMs: number,
  between: (what: string, first: number, last: number, slot: number | null) => TimePart[],
): TimelineRow {
  const { turn, slot, tool, ok, kind, attempts, scheduledAtMs } = call;
  const parts = between('call', turn, lastTurn, slot);
  // Equal calls of one turn run beside each other: the bar is that of the first, and goes to the end of the last.
  const end = last.endedAtMs;
  const wider = times > 1 && last.turn === turn && end !== null ? widened(parts, end) : parts;
  return {
    kind: 'call',
    state: ok === null ? (scheduledAtMs === null ? 'unstarted' : 'open') : ok ? 'ok' : 'failed',
    label: tool,
    call: callActivityId(turn, slot),
    parts: [...waitOf(call, askedAtMs, toMs), ...wider],
    note: notes(
      times > 1 ? `same call × ${times}` : '',
      ok === false ? (kind?.replaceAll('_', ' ') ?? '') : '',
      attempted(attempts),
      ok === null && scheduledAtMs === null
        ? call.approval && !call.decision
          ? 'waits for a decision'
          : 'queued'
        : '',
    ),
  };
}

function widened(parts: readonly TimePart[], endMs: number): TimePart[] {
  return parts.map((part, i) => (i === parts.length - 1 ? { ...part, toMs: Math.max(part.toMs, endMs) } : part));
}

/** The time in which the call waited for a person. */
function waitOf({ approval, decision, scheduledAtMs, endedAtMs }: Call, askedAtMs: number, toMs: number): TimePart[] {
  if (!approval) return [];
  const untilMs = decision?.atMs ?? scheduledAtMs ?? endedAtMs ?? toMs;
  return untilMs > askedAtMs ? [{ cause: 'people', fromMs: askedAtMs, toMs: untilMs }] : [];
}

function compactionRow({ startedAtMs, endedAtMs, error, attempts, strategy }: Compaction, toMs: number): TimelineRow {
  return {
    kind: 'compaction',
    state: error === null ? (endedAtMs === null ? 'open' : 'ok') : 'failed',
    label: 'compaction',
    call: null,
    parts: [{ cause: 'model', fromMs: startedAtMs, toMs: endedAtMs ?? toMs }],
    note: notes(strategy?.replaceAll('_', ' ') ?? '', attempted(attempts), error ?? ''),
  };
}

function attempted(attempts: number): string {
  return attempts > 1 ? `${attempts} attempts` : '';
}

function notes(...parts: readonly string[]): string {
  return parts.filter(Boolean).join(', ');
}
