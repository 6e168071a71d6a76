// `holdfast diff`: where two runs part, and what each took.
import { Command } from 'commander';
import { diffRuns, type RunDiff, type RunDifference, type RunFigures } from '../../client/index.ts';
import { costText } from '../../core/reasons/english.ts';
import { count } from '../../core/text.ts';
import { settingsOf } from '../connected.ts';
import { EXIT } from '../exit.ts';
import { historiesOfOne } from '../recorded/histories.ts';
import { columnsOf, fit } from '../terminal/columns.ts';
import { idText, inert, inertLine } from '../terminal/inert.ts';
import { printJson } from '../terminal/output.ts';
import { createScreen, type Screen, seconds } from '../terminal/screen.ts';
import { wrapped } from '../terminal/wrap.ts';

/** Of either side of a difference. */
const VALUE_CHARS_MAX = 1_200;

const TURNS_NAMED_MAX = 10;

export function diffCommand(): Command {
  return new Command('diff')
    .description('show where two runs part, and what each took')
    .argument('<a>', 'workflow id of a run, or a file that export wrote')
    .argument('<b>', 'workflow id of the other, or a file')
    .option('--json', 'print one JSON object')
    .action(async (a: string, b: string, { json }: { readonly json?: boolean }, command: Command) => {
      const settings = settingsOf(command);
      const one = await historiesOfOne(a, settings, 'compared');
      const other = await historiesOfOne(b, settings, 'compared');
      const diff = diffRuns(one, other);
      if (json) printJson(diff);
      else {
        const screen = createScreen(process.stdout);
        screen.print(...differenceLines(diff, screen), '', ...figureLines(diff));
      }
      process.exitCode = diff.difference === null ? EXIT.completed : EXIT.otherwise;
    });
}

function differenceLines({ difference, from, inexact }: RunDiff, screen: Screen): string[] {
  const left = inexactLines(inexact, screen);
  if (difference === null) {
    const all = from === null || from === 1 ? 'do the same' : `do the same from turn ${from} on`;
    return [`The runs ${all}.`, ...left];
  }
  const { a, b } = valuesOf(difference);
  return [
    screen.paint('bold', `${headOf(difference)}:`),
    ...valueLines('A', a, screen).map((line) => screen.paint('red', line)),
    ...valueLines('B', b, screen).map((line) => screen.paint('green', line)),
    ...left,
  ];
}

function inexactLines(turns: readonly number[], screen: Screen): string[] {
  if (turns.length === 0) return [];
  const named = turns.slice(0, TURNS_NAMED_MAX).join(', ');
  const more = turns.length > TURNS_NAMED_MAX ? ` and ${turns.length - TURNS_NAMED_MAX} more` : '';
  const note = `Compared by agent, model and messages only, as not both runs have the exact request: turn ${named}${more}.`;
  return wrapped(note, screen.columns);
}

/** Both sides as text, from where they differ. */
function valuesOf({ a, b }: RunDifference): { readonly a: string; readonly b: string } {
  const [one, other] = [textOf(a), textOf(b)];
  let alike = 0;
  while (alike < Math.min(one.length, other.length) && one[alike] === other[alike]) alike++;
  // Some of what is the same, from the beginning of a word.
  const from = alike < VALUE_CHARS_MAX / 2 ? 0 : one.lastIndexOf(' ', alike - 40) + 1;
  const shown = (text: string) => `${from > 0 ? '… ' : ''}${text.slice(from)}`;
  return { a: shown(one), b: shown(other) };
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return '(nothing)';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function valueLines(side: string, text: string, screen: Screen): string[] {
  const cut = text.length > VALUE_CHARS_MAX ? `${text.slice(0, VALUE_CHARS_MAX)}…` : text;
  const lines = wrapped(inert(cut), screen.columns - 5);
  return lines.map((line, at) => `${at === 0 ? `  ${side}: ` : '     '}${line}`);
}

function headOf({ turn, what, field, call, index, isSent, tool }: RunDifference): string {
  const at = turn === null ? '' : `At turn ${turn}, `;
  const of = call === undefined ? '' : ` of call ${call}`;
  const name = field.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  const begin = (text: string) => (at === '' ? `${text[0]?.toUpperCase()}${text.slice(1)}` : `${at}${text}`);
  switch (what) {
    case 'start':
      return `The runs were started with another ${name}`;
    case 'request':
      // Fields have the names that they have on the wire.
      if (isSent && tool !== undefined) return begin(`the request differs in its tool ${inertLine(tool, 64)}`);
      if (isSent && index === undefined) return begin(`the request differs in its ${inertLine(field, 64)}`);
      if (isSent) return begin(`the request differs in message ${Number(index) + 1} as it was sent`);
      return begin(`the request differs in its ${name}${index === undefined ? '' : ` (message ${index + 1})`}`);
    case 'answer':
      return begin(`the answer differs in its ${name}`);
    case 'call':
      return begin(`call ${call ?? ''} has ${field === 'tool' ? 'another tool' : 'other arguments'}`);
    case 'result':
      return begin(`the result${of} differs`);
    case 'end':
      return begin(field === 'turn' ? 'one run has ended' : `the runs ended otherwise (${name})`);
  }
}

type Cells = readonly [name: string, a: string, b: string];

function figureLines({ runs: [a, b], from }: RunDiff): string[] {
  const row = (name: string, of: (run: RunFigures) => string): Cells => [name, of(a), of(b)];
  const since = (of: (figures: NonNullable<RunFigures['since']>) => string) => (run: RunFigures) =>
    run.since === null ? '' : of(run.since);
  const tokens = (inputTokens: number, outputTokens: number) => `${count(inputTokens)} in, ${count(outputTokens)} out`;
  const calls = (all: number, failed: number) => `${count(all)}${failed > 0 ? ` (${count(failed)} failed)` : ''}`;
  const rows: Cells[] = [
    ['', 'A', 'B'],
    row('run', ({ workflowId }) => idText(workflowId)),
    row('agent', ({ agent }) => inertLine(agent, 64)),
    row('status', ({ status }) => status.replaceAll('_', ' ')),
    row('turns', (run) => count(run.turns)),
    row('tool calls', (run) => calls(run.calls, run.failedCalls)),
    row('tokens', ({ spend }) => tokens(spend.inputTokens, spend.outputTokens)),
    row('cost', ({ spend }) => costText(spend.cost)),
    row('time', ({ durationMs }) => (durationMs === null ? 'still open' : seconds(durationMs))),
    row('active time', ({ spend }) => seconds(spend.activeMs)),
    ...(from === null || from === 1
      ? []
      : [
          row(`from turn ${from}:`, () => ''),
          row(
            '  turns',
            since(({ turns }) => count(turns)),
          ),
          row(
            '  tool calls',
            since((figures) => calls(figures.calls, figures.failedCalls)),
          ),
          row(
            '  tokens',
            since(({ inputTokens, outputTokens }) => tokens(inputTokens, outputTokens)),
          ),
          row(
            '  cost',
            since(({ cost }) => costText(cost)),
          ),
        ]),
  ];
  const widths = [0, 1].map((column) => Math.max(...rows.map((cells) => columnsOf(cells[column] ?? ''))));
  return rows.map(([name, one, other]) => `${fit(name, widths[0]!)}  ${fit(one, widths[1]!)}  ${other}`.trimEnd());
}
