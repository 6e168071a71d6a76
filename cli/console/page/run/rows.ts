// The rows of a timeline: one for each model call, under it one for each tool call, and under that of a sub-agent its own, if it is open.
import { plural } from '../../../../core/text.ts';
import type { CallView, OpenAttempt, RunHead, TurnView } from '../../runView.ts';
import { duration, oneLine } from '../words.ts';
import type { Span } from './axis.ts';

export interface Bar extends Span {
  readonly kind: 'model' | 'tool' | 'failed' | 'queue' | 'person' | 'compaction';
  readonly title: string;
}

export interface Row {
  readonly key: string;
  readonly label: string;
  /** The element of the transcript that it leads to. */
  readonly target: string;
  /** The sub-agent's run of which it is a row; null for one of the run itself. */
  readonly of: string | null;
  /** The sub-agent's run that can be opened under it. */
  readonly childId: string | null;
  readonly isOpen: boolean;
  readonly bars: readonly Bar[];
  readonly took: string;
  /** How far it is to the right: a call is one further than its turn. */
  readonly depth: number;
  /** Whether it is something within a turn. */
  readonly isCall: boolean;
  /** What is known beside the bars, for whoever points at it. */
  readonly more: string;
}

export const KINDS: Readonly<Record<Bar['kind'], string>> = {
  model: 'model',
  tool: 'tool',
  failed: 'failed',
  queue: 'queue and earlier attempts',
  person: 'waits for a person',
  compaction: 'compaction',
};

/** A run whose rows are shown. */
export interface ShownRun {
  readonly head: RunHead;
  readonly turns: readonly TurnView[];
  readonly attempts: Readonly<Record<string, OpenAttempt>>;
}

/** Those that are open, by workflow id; null for one that is still being read. */
export type OpenRuns = ReadonlyMap<string, ShownRun | null>;

const ARGUMENTS_CHARS = 300;
/** Sub-agents are nested three deep at most, unless somebody allows more. */
const DEPTH_MAX = 20;

export function rowsOf(run: ShownRun, endMs: number, open: OpenRuns): readonly Row[] {
  return rowsUnder(run, endMs, open, null, 0);
}

function rowsUnder(run: ShownRun, endMs: number, open: OpenRuns, of: string | null, depth: number): Row[] {
  const { head, turns, attempts } = run;
  const place = { of, depth, prefix: of === null ? '' : `${of} ` };
  return turns.flatMap((turn) => [
    modelRow(turn, head.agent, endMs, attempts[`${turn.turn}`], place),
    ...turn.calls.flatMap((call) => {
      const row = callRow(call, turn.answeredAtMs ?? turn.startedAtMs, endMs, open, attempts, place);
      const child = row.childId === null ? null : open.get(row.childId);
      if (!child || depth >= DEPTH_MAX) return [row];
      return [row, ...rowsUnder(child, child.head.endedAtMs ?? endMs, open, row.childId, depth + 2)];
    }),
    ...head.compactions.filter((one) => one.turn === turn.turn).map((one) => compactionRow(one, endMs, place)),
  ]);
}

/** When something ran: the time of a sub-agent that is open is that of its own rows, so that its idle times are short as well. */
export function busyIn(rows: readonly Row[]): readonly Span[] {
  return rows.flatMap(({ bars, childId, isOpen }, at) => {
    const hasRows = isOpen && rows[at + 1]?.of === childId && childId !== null;
    return hasRows ? [] : bars.filter(({ kind }) => kind !== 'person');
  });
}

interface RowPlace {
  readonly of: string | null;
  readonly depth: number;
  readonly prefix: string;
}

function modelRow(
  { turn, agent, startedAtMs, answeredAtMs, error, attempts, model }: TurnView,
  first: string,
  endMs: number,
  open: OpenAttempt | undefined,
  { of, depth, prefix }: RowPlace,
): Row {
  const toMs = Math.max(startedAtMs, answeredAtMs ?? endMs);
  const attempt = answeredAtMs === null && open ? open.attempt : attempts;
  const tries = attempt > 1 ? `, ${attempt} attempts` : '';
  const kind = error === null ? 'model' : 'failed';
  return {
    key: `${prefix}turn-${turn}`,
    label: `Turn ${turn}${agent === first ? '' : ` (${agent})`}`,
    target: `turn-${turn}`,
    ...{ of, depth, isCall: false, childId: null, isOpen: false },
    bars: [{ kind, fromMs: startedAtMs, toMs, title: `${kind} ${duration(toMs - startedAtMs)}${tries}` }],
    took: duration(toMs - startedAtMs),
    more: [model ?? '', error ?? (answeredAtMs === null ? (open?.lastError ?? '') : '')].filter(Boolean).join(': '),
  };
}

function callRow(
  call: CallView,
  askedAtMs: number,
  endMs: number,
  runs: OpenRuns,
  open: Readonly<Record<string, OpenAttempt>>,
  { of, depth, prefix }: RowPlace,
): Row {
  const { turn, slot, tool, scheduledAtMs, startedAtMs, endedAtMs, approval, decision, ok, childId, reason } = call;
  const bars: Bar[] = [];
  const add = (kind: Bar['kind'], fromMs: number, toMs: number) => {
    if (toMs > fromMs) bars.push({ kind, fromMs, toMs, title: `${KINDS[kind]} ${duration(toMs - fromMs)}` });
  };
  if (approval) add('person', askedAtMs, decision?.atMs ?? scheduledAtMs ?? endedAtMs ?? endMs);
  if (scheduledAtMs !== null) {
    const beganMs = startedAtMs ?? endedAtMs ?? endMs;
    add('queue', scheduledAtMs, beganMs);
    add(ok === false ? 'failed' : 'tool', beganMs, Math.max(endedAtMs ?? endMs, beganMs + 1));
  }
  const fromMs = scheduledAtMs ?? askedAtMs;
  const now = ok === null ? open[`${turn}.${slot}`] : undefined;
  const attempt = now?.attempt ?? call.attempts;
  const why = ok === false ? reason?.text : now?.lastError && `the attempt before failed: ${now.lastError}`;
  return {
    key: `${prefix}call-${turn}.${slot}`,
    label: attempt > 1 ? `${tool} ×${attempt}` : tool,
    target: `call-${turn}.${slot}`,
    ...{ of, depth: depth + 1, isCall: true, childId, isOpen: childId !== null && runs.has(childId) },
    bars,
    took: bars.length === 0 ? '' : duration((endedAtMs ?? endMs) - fromMs),
    more: [
      attempt > 1 && (now ? `attempt ${attempt}` : plural(attempt, 'attempt')),
      oneLine(call.arguments.text, ARGUMENTS_CHARS),
      why && oneLine(why, ARGUMENTS_CHARS),
    ]
      .filter(Boolean)
      .join(' – '),
  };
}

function compactionRow(
  { number, startedAtMs, endedAtMs, error, strategy }: RunHead['compactions'][number],
  endMs: number,
  { of, depth, prefix }: RowPlace,
): Row {
  const toMs = endedAtMs ?? endMs;
  const kind = error === null ? 'compaction' : 'failed';
  const took = duration(toMs - startedAtMs);
  return {
    key: `${prefix}compaction-${number}`,
    label: 'Compaction',
    target: `compaction-${number}`,
    ...{ of, depth: depth + 1, isCall: true, childId: null, isOpen: false },
    bars: [{ kind, fromMs: startedAtMs, toMs, title: `${kind} ${took}` }],
    took,
    more: error ?? strategy ?? '',
  };
}
