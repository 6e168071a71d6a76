// `holdfast diff`: where two runs part, and what each took.
import { Command } from 'commander';
import { diffRuns, type RunDiff } from '../../client/index.ts';
import { settingsOf } from '../connected.ts';
import { EXIT } from '../exit.ts';
import { historiesOfOne } from '../recorded/histories.ts';
import { columnsOf, fit } from '../terminal/columns.ts';
import { inert } from '../terminal/inert.ts';
import { printJson } from '../terminal/output.ts';
import { createScreen, type Screen } from '../terminal/screen.ts';
import { wrapped } from '../terminal/wrap.ts';
import { figureRows, headOf, inexactText, sameText, valuesOf } from '../view/runDiff.ts';

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

function differenceLines(diff: RunDiff, screen: Screen): string[] {
  const { difference, inexact } = diff;
  const note = inexactText(inexact);
  const left = note === null ? [] : wrapped(note, screen.columns);
  if (difference === null) return [sameText(diff), ...left];
  const { a, b } = valuesOf(difference);
  return [
    screen.paint('bold', `${headOf(difference)}:`),
    ...valueLines('A', a, screen).map((line) => screen.paint('red', line)),
    ...valueLines('B', b, screen).map((line) => screen.paint('green', line)),
    ...left,
  ];
}

function valueLines(side: string, text: string, screen: Screen): string[] {
  const lines = wrapped(inert(text), screen.columns - 5);
  return lines.map((line, at) => `${at === 0 ? `  ${side}: ` : '     '}${line}`);
}

function figureLines(diff: RunDiff): string[] {
  const rows = [['', 'A', 'B'] as const, ...figureRows(diff)];
  const widths = [0, 1].map((column) => Math.max(...rows.map((cells) => columnsOf(cells[column] ?? ''))));
  return rows.map(([name, one, other]) => `${fit(name, widths[0]!)}  ${fit(one, widths[1]!)}  ${other}`.trimEnd());
}
