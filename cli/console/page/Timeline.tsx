// A run on one time axis: a row for each model call, and under it one for each tool call.
import { useMemo } from 'preact/hooks';
import type { CallView, RunHead, TurnView } from '../runView.ts';
import { type Axis, axisOf, type Span } from './axis.ts';
import { duration } from './words.ts';

interface Bar extends Span {
  readonly kind: 'model' | 'tool' | 'failed' | 'queue' | 'person' | 'compaction';
  readonly title: string;
}

interface Row {
  readonly key: string;
  readonly label: string;
  readonly target: string;
  readonly bars: readonly Bar[];
  readonly took: string;
  readonly isCall: boolean;
}

const KINDS: Readonly<Record<Bar['kind'], string>> = {
  model: 'model',
  tool: 'tool',
  failed: 'failed',
  queue: 'queue and earlier attempts',
  person: 'waits for a person',
  compaction: 'compaction',
};

interface TimelineProps {
  readonly head: RunHead;
  readonly turns: readonly TurnView[];
  readonly now: number;
  readonly open: (target: string) => void;
}

export function Timeline({ head, turns, now, open }: TimelineProps) {
  const endMs = head.endedAtMs ?? now;
  const rows = useMemo(() => rowsOf(head, turns, endMs), [head, turns, endMs]);
  const axis = useMemo(() => {
    const busy = rows.flatMap(({ bars }) => bars.filter(({ kind }) => kind !== 'person'));
    return axisOf({ fromMs: head.startedAtMs, toMs: Math.max(endMs, head.startedAtMs + 1) }, busy);
  }, [rows, head.startedAtMs, endMs]);
  const shown = new Set(rows.flatMap(({ bars }) => bars.map(({ kind }) => kind)));
  return (
    <section class="timeline" aria-label="Timeline">
      <p class="legend" aria-hidden="true">
        {Object.entries(KINDS).map(
          ([kind, name]) =>
            shown.has(kind as Bar['kind']) && (
              <span key={kind}>
                <i class={`bar ${kind}`} />
                {name}
              </span>
            ),
        )}
      </p>
      <ol>
        {rows.map((row) => (
          <TimelineRow key={row.key} row={row} axis={axis} open={open} />
        ))}
      </ol>
      <div class="scale">
        <span>0 s</span>
        {axis.gaps.map(({ at, fromMs, toMs }) => (
          <span
            key={fromMs}
            class="gap"
            style={{ left: `${at * 100}%` }}
            title={`${duration(toMs - fromMs)} without work, made short`}
          >
            ⁄⁄
          </span>
        ))}
        <span>{duration(endMs - head.startedAtMs)}</span>
      </div>
    </section>
  );
}

function TimelineRow({ row, axis, open }: { row: Row; axis: Axis; open: (target: string) => void }) {
  const { label, bars, took, isCall, target } = row;
  const title = [label, ...bars.map((bar) => bar.title)].join(', ');
  return (
    <li class={isCall ? 'inner' : undefined}>
      <button type="button" title={title} onClick={() => open(target)}>
        <span class="label">{label}</span>
        <span class="track">
          {bars.map((bar) => {
            const left = axis.place(bar.fromMs) * 100;
            const width = axis.place(bar.toMs) * 100 - left;
            return (
              <i key={bar.kind} class={`bar ${bar.kind}`} style={{ left: `${left}%`, width: `max(3px, ${width}%)` }} />
            );
          })}
        </span>
        <span class="took">{took}</span>
      </button>
    </li>
  );
}

function rowsOf(head: RunHead, turns: readonly TurnView[], endMs: number): Row[] {
  return turns.flatMap((turn) => [
    modelRow(turn, head.agent, endMs),
    ...turn.calls.map((call) => callRow(call, turn.answeredAtMs ?? turn.startedAtMs, endMs)),
    ...head.compactions.filter((one) => one.turn === turn.turn).map((one) => compactionRow(one, endMs)),
  ]);
}

function modelRow(
  { turn, agent, startedAtMs, answeredAtMs, error, attempts }: TurnView,
  first: string,
  endMs: number,
): Row {
  const toMs = answeredAtMs ?? endMs;
  const tries = attempts > 1 ? `, ${attempts} attempts` : '';
  const kind = error === null ? 'model' : 'failed';
  return {
    key: `turn-${turn}`,
    label: `Turn ${turn}${agent === first ? '' : ` (${agent})`}`,
    target: `turn-${turn}`,
    bars: [{ kind, fromMs: startedAtMs, toMs, title: `${kind} ${duration(toMs - startedAtMs)}${tries}` }],
    took: duration(toMs - startedAtMs),
    isCall: false,
  };
}

function callRow(call: CallView, askedAtMs: number, endMs: number): Row {
  const { turn, slot, tool, scheduledAtMs, startedAtMs, endedAtMs, approval, decision, ok, attempts } = call;
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
  return {
    key: `call-${turn}.${slot}`,
    label: attempts > 1 ? `${tool} (attempt ${attempts})` : tool,
    target: `call-${turn}.${slot}`,
    bars,
    took: bars.length === 0 ? '' : duration((endedAtMs ?? endMs) - fromMs),
    isCall: true,
  };
}

function compactionRow({ number, startedAtMs, endedAtMs, error }: RunHead['compactions'][number], endMs: number): Row {
  const toMs = endedAtMs ?? endMs;
  const kind = error === null ? 'compaction' : 'failed';
  const took = duration(toMs - startedAtMs);
  return {
    key: `compaction-${number}`,
    label: 'Compaction',
    target: `compaction-${number}`,
    bars: [{ kind, fromMs: startedAtMs, toMs, title: `${kind} ${took}` }],
    took,
    isCall: true,
  };
}
