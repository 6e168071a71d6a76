// Where the time and money of a run went, on the screen and as JSON.
import { costsOf } from '../../core/read/costs.ts';
import { type FailingStep, failingSentence, failingStep } from '../../core/read/failingPath.ts';
import type { Run } from '../../core/read/run.ts';
import { criticalPath, type PathStep, timeSplit } from '../../core/read/timeSplit.ts';
import { CAUSE_WORDS, percent, sharesOf } from '../../core/read/timeWords.ts';
import { costRows, costWords } from '../../core/report/runFacts.ts';
import { count, seconds } from '../../core/text.ts';
import { fit } from '../terminal/columns.ts';
import { inertLine } from '../terminal/inert.ts';
import type { Screen } from '../terminal/screen.ts';
import { wrapped } from '../terminal/wrap.ts';
import { isoTime } from './json.ts';

/** Less than this is not worth a word in the line that sums up. */
const SHARE_MIN = 0.01;
/** Rows of the path and of turns; --json has all. */
const ROWS_MAX = 40;
const BAR_COLUMNS = 30;

/** Until when an open run is split. */
function nowOf({ endedAtMs }: Run): number {
  return endedAtMs ?? Date.now();
}

/** Returns the sentence about what failed; nothing if nothing has. */
export function failingLines(run: Run, screen: Screen): string[] {
  const step = failingStep(run);
  if (!step) return [];
  return wrapped(inertLine(failingSentence(step), 1_000), screen.columns).map((line) => screen.paint('red', line));
}

/** Returns one line, wrapped: the causes that took more than a hundredth of the time. */
export function timeLine(run: Run, screen: Screen): string[] {
  const shares = sharesOf(timeSplit(run, nowOf(run))).filter(({ share }) => share >= SHARE_MIN);
  if (shares.length === 0) return [];
  const parts = shares.map(({ cause, ms, share }) => `${CAUSE_WORDS[cause]} ${percent(share)} (${seconds(ms)})`);
  return wrapped(`Time: ${parts.join(', ')}`, screen.columns);
}

/** Returns the split, the critical path, and the cost by turn, model and sub-agent. */
export function timeLines(run: Run, screen: Screen): string[] {
  const split = timeSplit(run, nowOf(run));
  const shares = sharesOf(split);
  const width = Math.max(0, ...shares.map(({ cause }) => CAUSE_WORDS[cause].length));
  const rows = shares.map(({ cause, ms, share }) => {
    const bar = '█'.repeat(Math.max(1, Math.round(share * BAR_COLUMNS))).padEnd(BAR_COLUMNS);
    return `  ${CAUSE_WORDS[cause].padEnd(width)}  ${bar}  ${percent(share).padStart(5)}  ${seconds(ms)}`;
  });
  return [
    screen.paint('bold', `Where the time went: ${seconds(split.totalMs)}`),
    ...rows.map((row) => fit(row, screen.columns).trimEnd()),
    '',
    screen.paint('bold', 'Critical path: the model call of each turn, and the call that it waited for last'),
    ...cutRows(criticalPath(run, nowOf(run)).map((step) => fit(stepText(step), screen.columns).trimEnd())),
    '',
    screen.paint('bold', 'What it has cost'),
    ...cutRows(costRowTexts(run)).map((row) => fit(row, screen.columns).trimEnd()),
  ];
}

function stepText({ what, turn, call, name, fromMs, toMs, attempts }: PathStep): string {
  const label = what === 'model' || what === 'compaction' ? `turn ${turn}, ${what}` : `call ${call}`;
  const tries = attempts > 1 ? `, ${attempts} attempts` : '';
  return `  ${label.padEnd(20)}  ${seconds(toMs - fromMs).padStart(11)}${tries}${name ? `  ${inertLine(name, 100)}` : ''}`;
}

function costRowTexts(run: Run): string[] {
  return costRows(run).map(({ what, name, cost }) => {
    const tokens = `${count(cost.inputTokens).padStart(9)} in ${count(cost.outputTokens).padStart(8)} out`;
    const money = costWords(cost) && `  cost ${costWords(cost)}`;
    return `  ${what.padEnd(20)}  ${tokens}${money}${name === '' ? '' : `  ${inertLine(name, 100)}`}`;
  });
}

function cutRows(rows: readonly string[]): string[] {
  return rows.length <= ROWS_MAX
    ? [...rows]
    : [...rows.slice(0, ROWS_MAX), `  … ${rows.length - ROWS_MAX} more rows: see --json`];
}

/** Returns `time`, `criticalPath`, `costs` and `failure`. */
export function timeJson(run: Run) {
  const { fromMs, toMs, totalMs, byCause, parts } = timeSplit(run, nowOf(run));
  const step = failingStep(run);
  return {
    time: { from: isoTime(fromMs), to: isoTime(toMs), totalMs, byCause, parts: parts.map(between) },
    criticalPath: criticalPath(run, nowOf(run)).map(between),
    costs: costsOf(run),
    failure: step && failureJson(step),
  };
}

function failureJson(step: FailingStep) {
  const { tookMs, ...rest } = step;
  return { sentence: failingSentence(step), ...rest, durationMs: tookMs };
}

function between<T extends { readonly fromMs: number; readonly toMs: number }>({ fromMs, toMs, ...rest }: T) {
  return { ...rest, from: isoTime(fromMs), to: isoTime(toMs), durationMs: toMs - fromMs };
}
