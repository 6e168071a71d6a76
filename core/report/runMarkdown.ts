// A run as a report in Markdown, for an issue or a chat. Text of the run stands in code, where it is no markup.
import { withLabels } from '../attachmentLabels.ts';
import { failingSentence, failingStep } from '../read/failingPath.ts';
import { foldTurns } from '../read/foldTurns.ts';
import type { Run } from '../read/run.ts';
import { criticalPath, timeSplit } from '../read/timeSplit.ts';
import { CAUSE_WORDS, percent, sharesOf } from '../read/timeWords.ts';
import { count, cutText, oneLine, seconds } from '../text.ts';
import { shownText } from './markup.ts';
import { costRows, costWords, runFacts } from './runFacts.ts';

/** A report is read, and not parsed: `export` and `show --json` have everything. */
const TEXT_CHARS_MAX = 4_000;
const NAME_CHARS_MAX = 200;
const PATH_ROWS_MAX = 50;

/** Returns a report in Markdown as GitHub reads it. `nowMs`: until when an open run is shown; defaults to its last event. */
export function runMarkdown(run: Run, nowMs: number = run.times.toMs): string {
  const step = failingStep(run);
  const path = criticalPath(run, nowMs);
  const parts = [
    `# Run ${code(run.workflowId)} of ${code(run.agent)}`,
    ...(step ? [block(failingSentence(step))] : []),
    runFacts(run, nowMs)
      .map(([name, value]) => `- ${name}: ${value}`)
      .concat(run.reason === null ? [] : [`- Reason: ${code(run.reason)}`])
      .concat(run.warnings.map(({ text }) => `- Warning: ${code(text)}`))
      .join('\n'),
    `## Input\n\n${block(withLabels(run.input, run.attachments))}`,
    ...(run.output === null ? [] : [`## Output\n\n${block(run.output)}`]),
    `## Where the time went\n\n${table(
      ['cause', 'share', 'time'],
      sharesOf(timeSplit(run, nowMs)).map(({ cause, ms, share }) => [CAUSE_WORDS[cause], percent(share), seconds(ms)]),
    )}`,
    `## Critical path\n\n${table(
      ['step', 'name', 'attempts', 'time'],
      path
        .slice(0, PATH_ROWS_MAX)
        .map(({ what, turn, call, name, fromMs, toMs, attempts }) => [
          call === null ? `turn ${turn}, ${what}` : `call ${call}`,
          name === null ? '' : code(name),
          count(attempts),
          seconds(toMs - fromMs),
        ]),
    )}${path.length > PATH_ROWS_MAX ? `\n\n${path.length - PATH_ROWS_MAX} more steps.` : ''}`,
    `## What it has cost\n\n${table(
      ['', '', 'tokens in', 'cached', 'out', 'cost'],
      costRows(run)
        .filter(({ what }) => !what.startsWith('turn '))
        .map(({ what, name, cost }) => [
          what,
          name === '' ? '' : code(name),
          count(cost.inputTokens),
          count(cost.cachedTokens),
          count(cost.outputTokens),
          costWords(cost),
        ]),
    )}`,
    `## Calls\n\n${callLines(run).join('\n')}`,
  ];
  return `${parts.join('\n\n')}\n`;
}

function callLines({ turns, compactions }: Run): string[] {
  const folded = foldTurns(turns, new Set(compactions.map(({ turn }) => turn)));
  const lines = folded.flatMap(({ turn, last, calls }) => [
    `- ${turn === last ? `turn ${turn.turn}` : `turns ${turn.turn}–${last.turn}`}${turn.error === null ? '' : `: ${code(turn.error)}`}`,
    ...calls.map(({ call, times }) => {
      const how = [
        call.kind?.replaceAll('_', ' ') ?? '',
        call.attempts > 1 ? `${call.attempts} attempts` : '',
        times > 1 ? `same call × ${times}` : '',
      ].filter(Boolean);
      const mark = call.ok === null ? '·' : call.ok ? '✓' : '✗';
      const why = call.ok === false && call.reason ? ` ${code(call.reason.text)}` : '';
      return `  - ${mark} ${code(`${call.tool} ${call.arguments}`)}${how.length > 0 ? ` (${how.join(', ')})` : ''}${why}`;
    }),
  ]);
  return lines.length > 0 ? lines : ['None.'];
}

/** Returns the text as inline code, between more backticks than it has in a row. */
function code(text: string): string {
  const shown = oneLine(shownText(text), NAME_CHARS_MAX);
  const fence = '`'.repeat(longestRun(shown) + 1);
  return `${fence} ${shown === '' ? '-' : shown} ${fence}`;
}

function block(text: string): string {
  const shown = cutText(shownText(text), TEXT_CHARS_MAX);
  const fence = '`'.repeat(Math.max(3, longestRun(shown) + 1));
  return `${fence}text\n${shown}\n${fence}`;
}

function longestRun(text: string): number {
  return Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  // A table splits at `|` even within code.
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n');
}
