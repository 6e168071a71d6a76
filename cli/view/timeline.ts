// A run as bars on one time axis: a row for each model call, and under it one for each tool call.
import { count } from '../../core/text.ts';
import type { FailureKind, RecordedDecision } from '../../core/types.ts';
import { columnsOf, cutTo, fit, lastOf } from '../terminal/columns.ts';
import { idText, inertLine } from '../terminal/inert.ts';
import { type Screen, seconds } from '../terminal/screen.ts';
import { decisionWords } from './people.ts';

/** What the bars need of a turn; both the read model and the live state have it. */
export interface TimelineTurn {
  readonly turn: number;
  readonly agent: string;
  readonly startedAtMs: number;
  readonly answeredAtMs: number | null;
  readonly attempts: number;
  readonly error: string | null;
  readonly calls: readonly TimelineCall[];
  /** The last of the turns that are drawn as one; absent if it stands for itself. */
  readonly through?: number;
}

/** A compaction after a turn. */
export interface TimelineCompaction {
  readonly number: number;
  readonly turn: number;
  readonly startedAtMs: number;
  readonly endedAtMs: number | null;
  readonly attempts: number;
  readonly warning: { readonly text: string } | null;
  readonly error: string | null;
  readonly tokens: { readonly before: number; readonly after: number | null };
}

export interface TimelineCall {
  readonly tool: string;
  readonly ok: boolean | null;
  readonly kind: FailureKind | null;
  readonly attempts: number;
  readonly scheduledAtMs: number | null;
  readonly endedAtMs: number | null;
  /** The approval that the call needs; null if it needs none. */
  readonly approval: object | null;
  readonly decision: RecordedDecision | null;
  readonly childId: string | null;
  /** Its reported progress, while it runs. */
  readonly note?: string;
  /** How often the same call was made, if it stands for several. */
  readonly times?: number;
}

export interface Axis {
  readonly fromMs: number;
  readonly toMs: number;
}

interface Row {
  readonly mark: '✓' | '✗' | '·' | '?' | ' ';
  readonly label: string;
  /** Time of waiting for a person, which is not its own time. */
  readonly wait?: { readonly fromMs: number; readonly toMs: number | null };
  readonly startMs: number | null;
  readonly endMs: number | null;
  readonly fill: '█' | '▒' | '░' | '─';
  readonly note: string;
  /** The run of a sub-agent; shown at the end of the note. */
  readonly childId?: string;
}

const TIME_COLUMNS = 11;
const LABEL_COLUMNS_MAX = 34;

/** Returns the bars of these turns, as lines that fit the screen. */
export function timeline(
  {
    turns,
    compactions,
  }: { readonly turns: readonly TimelineTurn[]; readonly compactions: readonly TimelineCompaction[] },
  { fromMs, toMs }: Axis,
  screen: Screen,
): string[] {
  const rows = turns.flatMap((turn) => [
    ...rowsOf(turn, turns[0]?.agent),
    ...compactions.filter((compaction) => compaction.turn === (turn.through ?? turn.turn)).map(compactionRow),
  ]);
  const widest = Math.max(0, ...rows.map(({ label }) => label.length));
  // On a narrow terminal, labels get two fifths, and bars the rest.
  const labelColumns = Math.min(widest, LABEL_COLUMNS_MAX, Math.floor(screen.columns * 0.4));
  // Notes get what they need, up to a quarter of the width.
  const noteColumns = Math.min(
    Math.floor(screen.columns / 4),
    Math.max(0, ...rows.map((row) => noteOf(row, 1_000).length)),
  );
  const barColumns = Math.max(5, Math.min(60, screen.columns - labelColumns - TIME_COLUMNS - 5 - noteColumns));
  const spanMs = Math.max(1, toMs - fromMs);
  const at = (ms: number) => Math.min(barColumns, Math.max(0, Math.round(((ms - fromMs) / spanMs) * barColumns)));

  const drawn = rows.map((row) => {
    const label = fit(row.label, labelColumns);
    const { wait } = row;
    if (row.startMs === null && !wait) {
      const head = `${row.mark} ${label}`;
      return `${painted(row, screen, head)}  ${screen.paint('dim', noteOf(row, screen.columns - labelColumns - 5))}`;
    }
    const bar = barOf(row, barColumns, at, toMs);
    const time = timeOf(row, toMs);
    const used = labelColumns + barColumns + time.length + 6;
    const note = noteOf(row, screen.columns - used - 1);
    const shown = note === '' ? '' : screen.paint('dim', ` ${note}`);
    return `${painted(row, screen, `${row.mark} ${label}`)} ${painted(row, screen, bar)}  ${time}${shown}`;
  });
  const left = `0 s`;
  const right = seconds(spanMs);
  const line = '─'.repeat(Math.max(1, barColumns - left.length - right.length - 2));
  return [...drawn, screen.paint('dim', `${' '.repeat(labelColumns + 3)}${left} ${line} ${right}`)];
}

/** Cuts the note at the end, but a sub-agent's id at the beginning: ids differ at the end. */
function noteOf({ note, childId }: Row, columns: number): string {
  if (childId === undefined) return cutTo(note, columns);
  const head = note === '' ? '' : `${note}, `;
  const whole = `${head}run ${childId}`;
  if (columnsOf(whole) <= columns) return whole;
  const cut = (before: string) => `${before}…${lastOf(childId, columns - columnsOf(before) - 1)}`;
  const callIdColumns = (/\.\d+\.\d+$/.exec(childId)?.[0] ?? '').length;
  return columnsOf(head) + 'run …'.length + callIdColumns <= columns ? cut(`${head}run `) : cut('');
}

/** Draws the wait for a person and the time after it, each at least one column wide. */
function barOf(
  { wait, startMs, endMs, fill }: Row,
  columns: number,
  at: (ms: number) => number,
  nowMs: number,
): string {
  const cells = Array.from({ length: columns }, () => ' ');
  const draw = (fromMs: number, toMs: number, letter: string) => {
    const start = Math.min(at(fromMs), columns - 1);
    cells.fill(letter, start, Math.max(start + 1, at(toMs)));
  };
  if (wait) draw(wait.fromMs, wait.toMs ?? nowMs, '┄');
  if (startMs !== null) draw(startMs, endMs ?? nowMs, fill);
  return cells.join('');
}

/** Returns its own time, or how long it has waited for a person. */
function timeOf({ wait, startMs, endMs, mark }: Row, nowMs: number): string {
  if (startMs !== null) return seconds((endMs ?? nowMs) - startMs);
  return mark === '?' && wait ? seconds(nowMs - wait.fromMs) : seconds(0);
}

/** Returns the axis from the run's start to its end, or until now. */
export function axisOf(startedAtMs: number, endedAtMs: number | null, nowMs: number): Axis {
  return { fromMs: startedAtMs, toMs: endedAtMs ?? Math.max(nowMs, startedAtMs + 1) };
}

function rowsOf(seen: TimelineTurn, first: string | undefined): Row[] {
  const { turn, through, agent, startedAtMs, answeredAtMs, attempts, error, calls } = seen;
  const model: Row = {
    mark: error ? '✗' : ' ',
    // After a handoff, the agent's name.
    label: `${through === undefined ? `turn ${turn}` : `turns ${turn}–${through}`}, ${agent === first ? 'model' : inertLine(agent, 64)}`,
    startMs: startedAtMs,
    endMs: answeredAtMs,
    fill: error ? '▒' : '─',
    note: error ? inertLine(error, 200) : attempted(attempts),
  };
  return [model, ...calls.map((call) => callRow(call, answeredAtMs ?? startedAtMs))];
}

function compactionRow({ startedAtMs, endedAtMs, attempts, warning, error, tokens }: TimelineCompaction): Row {
  const problem = error ?? warning?.text ?? null;
  const size = tokens.after === null ? '' : `${count(tokens.before)} to ${count(tokens.after)} tokens`;
  return {
    mark: problem === null ? ' ' : '✗',
    label: 'compaction',
    startMs: startedAtMs,
    endMs: endedAtMs,
    fill: problem === null ? '─' : '▒',
    note: problem === null ? [size, attempted(attempts)].filter(Boolean).join(', ') : inertLine(problem, 200),
  };
}

function callRow(call: TimelineCall, askedAtMs: number): Row {
  const { tool, ok, kind, attempts, scheduledAtMs, endedAtMs, approval, decision, childId } = call;
  const base = {
    label: inertLine(tool, 64),
    startMs: scheduledAtMs,
    endMs: endedAtMs,
    ...(childId !== null && { childId: idText(childId) }),
    ...(approval && { wait: { fromMs: askedAtMs, toMs: decision?.atMs ?? scheduledAtMs ?? endedAtMs } }),
  };
  const folded = call.times === undefined ? '' : `same call × ${call.times}`;
  const noted = (...more: (string | undefined)[]) =>
    [folded, ...more, decision ? decisionWords(decision) : ''].filter(Boolean).join(', ');
  if (ok === true) return { ...base, mark: '✓', fill: '█', note: noted(attempted(attempts)) };
  const failure = kind === 'rejected' && decision ? '' : kind?.replaceAll('_', ' ');
  if (ok === false) return { ...base, mark: '✗', fill: '▒', note: noted(failure, attempted(attempts)) };
  if (approval && !decision) return { ...base, mark: '?', fill: '░', note: noted('waits for a decision') };
  if (scheduledAtMs === null) return { ...base, mark: '·', fill: '░', note: noted('queued') };
  return { ...base, mark: '·', fill: '░', note: noted(call.note ?? attempted(attempts)) };
}

function attempted(attempts: number): string {
  return attempts > 1 ? `attempt ${attempts}` : '';
}

function painted({ mark, fill }: Row, screen: Screen, text: string): string {
  if (mark === '✗') return screen.paint('red', text);
  if (mark === '✓') return screen.paint('green', text);
  return screen.paint(fill === '─' ? 'cyan' : 'yellow', text);
}
