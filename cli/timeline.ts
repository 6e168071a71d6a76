// A run as bars on one time axis: a row a model call, and under it a row a tool call.
import type { FailureKind } from '../core/types.ts';
import { cutTo, fit } from './columns.ts';
import { inertLine } from './inert.ts';
import { type Screen, seconds } from './screen.ts';

/** What the bars need of a turn: the read model's turns have it, and so has what is seen live. */
export interface TurnSeen {
  readonly turn: number;
  readonly askedAtMs: number;
  readonly answeredAtMs: number | null;
  readonly attempts: number;
  readonly error: string | null;
  readonly calls: readonly CallSeen[];
}

export interface CallSeen {
  readonly tool: string;
  readonly ok: boolean | null;
  readonly kind: FailureKind | null;
  readonly attempts: number;
  readonly scheduledAtMs: number | null;
  readonly endedAtMs: number | null;
  /** What it says of its progress, while it runs. */
  readonly note?: string;
}

export interface Axis {
  readonly fromMs: number;
  readonly toMs: number;
}

interface Row {
  readonly mark: '✓' | '✗' | '·' | ' ';
  readonly label: string;
  readonly startMs: number | null;
  readonly endMs: number | null;
  readonly fill: '█' | '▒' | '░' | '─';
  readonly note: string;
}

const TIME_COLUMNS = 11;
const LABEL_COLUMNS_MAX = 34;

/** The bars of these turns, as lines that fit the screen. */
export function timeline(turns: readonly TurnSeen[], { fromMs, toMs }: Axis, screen: Screen): string[] {
  const rows = turns.flatMap(rowsOf);
  const widest = Math.max(0, ...rows.map(({ label }) => label.length));
  // A narrow terminal gives the label two fifths, and the bar what is left.
  const labelColumns = Math.min(widest, LABEL_COLUMNS_MAX, Math.floor(screen.columns * 0.4));
  const barColumns = Math.max(5, Math.min(60, screen.columns - labelColumns - TIME_COLUMNS - 5));
  const spanMs = Math.max(1, toMs - fromMs);
  const at = (ms: number) => Math.min(barColumns, Math.max(0, Math.round(((ms - fromMs) / spanMs) * barColumns)));

  const drawn = rows.map((row) => {
    const label = fit(row.label, labelColumns);
    if (row.startMs === null) {
      const head = `${row.mark} ${label}`;
      return `${painted(row, screen, head)}  ${screen.paint('dim', cutTo(row.note, screen.columns - labelColumns - 5))}`;
    }
    const start = Math.min(at(row.startMs), barColumns - 1);
    const end = Math.max(start + 1, at(row.endMs ?? toMs));
    const bar = ' '.repeat(start) + row.fill.repeat(end - start) + ' '.repeat(barColumns - end);
    const time = seconds((row.endMs ?? toMs) - row.startMs);
    const used = labelColumns + barColumns + time.length + 6;
    const note = row.note === '' ? '' : screen.paint('dim', ` ${cutTo(row.note, screen.columns - used - 1)}`);
    return `${painted(row, screen, `${row.mark} ${label}`)} ${painted(row, screen, bar)}  ${time}${note}`;
  });
  const left = `0 s`;
  const right = seconds(spanMs);
  const line = '─'.repeat(Math.max(1, barColumns - left.length - right.length - 2));
  return [...drawn, screen.paint('dim', `${' '.repeat(labelColumns + 3)}${left} ${line} ${right}`)];
}

/** From the run's start to its end, or until now. */
export function axisOf(startedAtMs: number, endedAtMs: number | null, nowMs: number): Axis {
  return { fromMs: startedAtMs, toMs: endedAtMs ?? Math.max(nowMs, startedAtMs + 1) };
}

function rowsOf({ turn, askedAtMs, answeredAtMs, attempts, error, calls }: TurnSeen): Row[] {
  const model: Row = {
    mark: error ? '✗' : ' ',
    label: `turn ${turn}, model`,
    startMs: askedAtMs,
    endMs: answeredAtMs,
    fill: error ? '▒' : '─',
    note: error ? inertLine(error, 200) : attempted(attempts),
  };
  return [model, ...calls.map(callRow)];
}

function callRow({ tool, ok, kind, attempts, scheduledAtMs, endedAtMs, note }: CallSeen): Row {
  const label = inertLine(tool, 64);
  const base = { label, startMs: scheduledAtMs, endMs: endedAtMs };
  if (ok === true) return { ...base, mark: '✓', fill: '█', note: attempted(attempts) };
  const said = [kind?.replaceAll('_', ' '), attempted(attempts)].filter(Boolean).join(', ');
  if (ok === false) return { ...base, mark: '✗', fill: '▒', note: said };
  if (scheduledAtMs === null) return { ...base, mark: '·', fill: '░', note: 'waits for a place' };
  return { ...base, mark: '·', fill: '░', note: note ?? attempted(attempts) };
}

function attempted(attempts: number): string {
  return attempts > 1 ? `attempt ${attempts}` : '';
}

function painted({ mark, fill }: Row, screen: Screen, text: string): string {
  if (mark === '✗') return screen.paint('red', text);
  if (mark === '✓') return screen.paint('green', text);
  return screen.paint(fill === '─' ? 'cyan' : 'yellow', text);
}
