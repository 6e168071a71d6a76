// The timeline of a run as SVG: a row for each model and tool call on one time axis, and above them the run as a whole.
import type { Run } from '../read/run.ts';
import { TIME_CAUSES, type TimePart, timeSplit } from '../read/timeSplit.ts';
import { CAUSE_WORDS, percent, sharesOf } from '../read/timeWords.ts';
import { oneLine, seconds } from '../text.ts';
import { markupText } from './markup.ts';
import { type TimelineRow, timelineRows } from './timelineRows.ts';

const WIDTH = 960;
const LABEL_WIDTH = 190;
/** The time of a row and its note. */
const NOTE_WIDTH = 220;
const BARS_WIDTH = WIDTH - LABEL_WIDTH - NOTE_WIDTH;
const ROW_HEIGHT = 24;
const LEGEND_ROW_HEIGHT = 20;
const LEGEND_COLUMNS = 4;
/** Rows of a picture that a browser draws at once; `show --json` has all. */
const ROWS_MAX = 600;
const TICKS = 5;

/** Colours of both schemes. The page has them in its own style sheet. */
export const TIMELINE_STYLE = `
.holdfast { --ink: #1f2328; --dim: #59636e; --grid: #d1d9e0; --paper: #ffffff; --bad: #c01c28;
  --model: #2f6fde; --tools: #1a8a4a; --sub_agents: #0b7c8c; --retries: #d9730d; --no_worker: #c01c28;
  --queue: #8b949e; --paused: #8250df; --people: #b58900; --idle: #c9d1d9; --orchestration: #dfe4ea; }
@media (prefers-color-scheme: dark) { .holdfast { --ink: #e6edf3; --dim: #9198a1; --grid: #30363d; --paper: #0d1117; --bad: #ff7b72;
  --model: #6ea8ff; --tools: #4ac26b; --sub_agents: #39c5d6; --retries: #f0883e; --no_worker: #ff7b72;
  --queue: #8b949e; --paused: #b692ff; --people: #e3b341; --idle: #3d444d; --orchestration: #2b3138; } }
svg.holdfast { background: var(--paper); font: 13px system-ui, sans-serif; }
.holdfast text { fill: var(--ink); }
.holdfast text.dim { fill: var(--dim); }
.holdfast text.bad { fill: var(--bad); }
.holdfast text.small { font-size: 11px; }
.holdfast text.end { text-anchor: end; }
.holdfast text.middle { text-anchor: middle; }
.holdfast line { stroke: var(--grid); }
${TIME_CAUSES.map((cause) => `.holdfast .${cause} { fill: var(--${cause}); }`).join('\n')}
.holdfast .hatched { fill: none; stroke: var(--paper); stroke-width: 2; }
`;

/** Waits are drawn thin, so that they differ from work without their colours. */
const THIN: readonly TimePart['cause'][] = ['queue', 'people', 'paused', 'idle', 'no_worker'];

export interface TimelineSvgOptions {
  /** Without a style sheet, for a page that has `TIMELINE_STYLE`. */
  readonly isBare?: boolean;
  /** Until when an open run is drawn. @default its last event */
  readonly nowMs?: number;
}

/** Returns an SVG document that needs nothing else. */
export function timelineSvg(run: Run, { isBare = false, nowMs = run.times.toMs }: TimelineSvgOptions = {}): string {
  const split = timeSplit(run, nowMs);
  const all = timelineRows(run, nowMs);
  const rows = all.slice(0, ROWS_MAX);
  const shares = sharesOf(split);
  const legendHeight = Math.ceil(shares.length / LEGEND_COLUMNS) * LEGEND_ROW_HEIGHT;
  const top = 52 + legendHeight;
  const height = top + (rows.length + 1) * ROW_HEIGHT + (all.length > rows.length ? ROW_HEIGHT : 0) + 34;
  const spanMs = Math.max(1, split.totalMs);
  const xOf = (ms: number) => LABEL_WIDTH + (Math.min(Math.max(ms - split.fromMs, 0), spanMs) / spanMs) * BARS_WIDTH;
  const title = `${run.agent}, ${run.workflowId}`;
  const parts = [
    `<title>${markupText(title)}</title>`,
    ...(isBare ? [] : [`<style>${TIMELINE_STYLE}</style>`]),
    `<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="hatched" d="M0 3H6"/></pattern></defs>`,
    text(12, 26, short(title, 110), 'class="title"'),
    ...shares.map(({ cause, ms, share }, i) => {
      const x = 12 + (i % LEGEND_COLUMNS) * 236;
      const y = 42 + Math.floor(i / LEGEND_COLUMNS) * LEGEND_ROW_HEIGHT;
      const words = `${CAUSE_WORDS[cause]} ${percent(share)}, ${seconds(ms)}`;
      return `${bar(cause, x, y, 14, 10)}${text(x + 20, y + 9, words, 'class="small"')}`;
    }),
    ...axis(spanMs, top - 4, top + (rows.length + 1) * ROW_HEIGHT),
    row(top, { label: 'run', note: '', parts: split.parts, isBad: false, time: seconds(split.totalMs) }, xOf),
    ...rows.map((one, i) => row(top + (i + 1) * ROW_HEIGHT, drawn(one), xOf)),
    ...(all.length > rows.length
      ? [text(12, top + (rows.length + 1) * ROW_HEIGHT + 40, `… ${all.length - rows.length} more rows`, 'class="dim"')]
      : []),
  ];
  return `<svg class="holdfast" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">\n${parts.join('\n')}\n</svg>\n`;
}

interface DrawnRow {
  readonly label: string;
  readonly note: string;
  readonly parts: readonly TimePart[];
  readonly isBad: boolean;
  readonly time: string;
}

function drawn({ kind, state, label, call, parts, note }: TimelineRow): DrawnRow {
  const mark = { ok: '', failed: '✗ ', open: '· ', unstarted: '? ' }[state];
  const own = kind === 'call' ? `\u2003${mark}${call} ${label}` : `${mark}${label}`;
  const [first] = parts;
  const spent = first ? Math.max(...parts.map(({ toMs }) => toMs)) - first.fromMs : 0;
  return { label: own, note, parts, isBad: state === 'failed', time: first ? seconds(spent) : '' };
}

function row(y: number, { label, note, parts, isBad, time }: DrawnRow, xOf: (ms: number) => number): string {
  const bars = parts.map(({ cause, fromMs, toMs }) => {
    const x = xOf(fromMs);
    const width = Math.max(1.5, xOf(toMs) - x);
    const isThin = THIN.includes(cause);
    const title = `${CAUSE_WORDS[cause]}: ${seconds(toMs - fromMs)}`;
    return `<g><title>${markupText(title)}</title>${bar(cause, x, y + (isThin ? 9 : 5), width, isThin ? 6 : 14)}</g>`;
  });
  const right = WIDTH - NOTE_WIDTH + 10;
  const about = note === '' ? '' : text(right + 76, y + 16, short(note, 24), 'class="dim small"');
  return [
    `<g><title>${markupText(oneLine(`${label.trim()}${note === '' ? '' : `: ${note}`}`, 600))}</title>`,
    text(12, y + 16, short(label, 25), isBad ? 'class="bad"' : ''),
    ...bars,
    text(right + 66, y + 16, time, 'class="dim small end"'),
    `${about}</g>`,
  ].join('');
}

function bar(cause: TimePart['cause'], x: number, y: number, width: number, height: number): string {
  const place = `x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${height}"`;
  const rect = `<rect class="${cause}" ${place} rx="1.5"/>`;
  return cause === 'retries' ? `${rect}<rect fill="url(#hatch)" ${place}/>` : rect;
}

function axis(spanMs: number, top: number, bottom: number): string[] {
  const step = niceStep(spanMs / TICKS);
  const ticks = Array.from({ length: Math.floor(spanMs / step) + 1 }, (_, i) => i * step);
  return ticks.map((ms) => {
    const x = round(LABEL_WIDTH + (ms / spanMs) * BARS_WIDTH);
    return `<line x1="${x}" y1="${top}" x2="${x}" y2="${bottom + 4}"/>${text(x, bottom + 20, ms === 0 ? '0 s' : seconds(ms), 'class="dim small middle"')}`;
  });
}

/** Returns a step that people count in: 1, 2 or 5 of a unit, or a part of a minute, an hour or a day. */
function niceStep(ms: number): number {
  const [minute, hour, day] = [60_000, 3_600_000, 86_400_000];
  const steps = [
    15_000,
    30_000,
    minute,
    5 * minute,
    15 * minute,
    30 * minute,
    hour,
    3 * hour,
    6 * hour,
    12 * hour,
    day,
  ];
  if (ms > 10_000 && ms <= day) return steps.find((step) => step >= ms) ?? day;
  const unit = ms > day ? day : 1;
  const power = unit * 10 ** Math.floor(Math.log10(Math.max(1, ms / unit)));
  return [1, 2, 5, 10].map((times) => times * power).find((step) => step >= ms) ?? power * 10;
}

function text(x: number, y: number, content: string, attributes: string): string {
  return `<text x="${round(x)}" y="${round(y)}"${attributes === '' ? '' : ` ${attributes}`}>${markupText(content)}</text>`;
}

/** Keeps the leading space that sets calls off from their turn. */
function short(words: string, maxChars: number): string {
  const [indent = ''] = /^\u2003*/.exec(words) ?? [];
  return indent + oneLine(words.slice(indent.length, maxChars * 4), maxChars - indent.length);
}

function round(n: number): number {
  return Math.round(n * 10) / 10;
}
