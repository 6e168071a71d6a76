// The list of schedules: a table, or a few lines each if the terminal is too narrow.
import type { Schedule } from '../../client/index.ts';
import { PAUSED } from '../../client/schedules/schedules.ts';
import { columnsOf, fit } from '../terminal/columns.ts';
import { idText, inertLine } from '../terminal/inert.ts';
import { wrapped } from '../terminal/wrap.ts';

const HEAD = ['ID', 'AGENT', 'WHEN', 'NEXT', 'RUNS', 'LAST RUN'];
const NOTE_CHARS_MAX = 60;

/** Returns the lines of the list; `columns` is null if the output is no terminal. */
export function scheduleLines(schedules: readonly Schedule[], columns: number | null): string[] {
  const rows = schedules.map(cells);
  const lines = table([HEAD, ...rows]);
  if (columns === null || lines.every((line) => columnsOf(line) <= columns)) return lines;
  return rows.flatMap((row) => block(row, columns));
}

function cells(schedule: Schedule): string[] {
  const { id, agent, runs, lastRun } = schedule;
  const last = idText(lastRun?.workflowId ?? '');
  return [idText(id), inertLine(agent ?? '', 64), timesOf(schedule), next(schedule), String(runs), last];
}

function next({ paused, note, nextRunAtMs }: Schedule): string {
  if (paused) return note === null || note === PAUSED ? 'paused' : `paused: ${inertLine(note, NOTE_CHARS_MAX)}`;
  return nextRunAtMs === null ? 'never' : utc(nextRunAtMs);
}

function table(rows: readonly string[][]): string[] {
  const widths = HEAD.map((_, i) => Math.max(...rows.map((row) => columnsOf(row[i] ?? ''))));
  return rows.map((row) =>
    widths
      .map((width, i) => fit(row[i] ?? '', width))
      .join('  ')
      .trimEnd(),
  );
}

/** Returns the lines of one schedule, uncut: ids are there to be typed. */
function block([id = '', agent = '', when = '', next = '', runs = '', last = '']: string[], columns: number): string[] {
  const details = [agent, when, `next: ${next}`, `runs: ${runs}`, ...(last === '' ? [] : [`last: ${last}`])];
  return [...wrapped(id, columns), ...details.flatMap((text) => wrapped(text, columns - 2).map((line) => `  ${line}`))];
}

/** `0 3 * * * Europe/Berlin`, `every 1h` */
export function timesOf({ when, timezone }: Schedule): string {
  return inertLine(timezone === 'UTC' ? when : `${when} ${timezone}`, 200);
}

/** `2026-01-08 09:30:00Z` */
export function utc(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')}Z`;
}
