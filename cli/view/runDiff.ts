// Where two runs part and what each took, in words: for `holdfast diff` and the console.
import type { RunDiff, RunDifference, RunFigures } from '../../client/index.ts';
import { costText } from '../../core/reasons/english.ts';
import { count } from '../../core/text.ts';
import { idText, inertLine } from '../terminal/inert.ts';
import { seconds } from '../terminal/screen.ts';

/** Of either side of a difference. */
const VALUE_CHARS_MAX = 1_200;

const TURNS_NAMED_MAX = 10;

/** What it says of two runs that do not part. */
export function sameText({ from }: RunDiff): string {
  const all = from === null || from === 1 ? 'do the same' : `do the same from turn ${from} on`;
  return `The runs ${all}.`;
}

/** Of which turns less was compared than was sent; null if of none. */
export function inexactText(turns: readonly number[]): string | null {
  if (turns.length === 0) return null;
  const named = turns.slice(0, TURNS_NAMED_MAX).join(', ');
  const more = turns.length > TURNS_NAMED_MAX ? ` and ${turns.length - TURNS_NAMED_MAX} more` : '';
  return `Compared by agent, model and messages only, as not both runs have the exact request: turn ${named}${more}.`;
}

/** Both sides as text, from where they differ. */
export function valuesOf({ a, b }: RunDifference): { readonly a: string; readonly b: string } {
  const [one, other] = [textOf(a), textOf(b)];
  let alike = 0;
  while (alike < Math.min(one.length, other.length) && one[alike] === other[alike]) alike++;
  // Some of what is the same, from the beginning of a word.
  const from = alike < VALUE_CHARS_MAX / 2 ? 0 : one.lastIndexOf(' ', alike - 40) + 1;
  const shown = (text: string) => {
    const rest = text.slice(from);
    const cut = rest.length > VALUE_CHARS_MAX ? `${rest.slice(0, VALUE_CHARS_MAX)}…` : rest;
    return `${from > 0 ? '… ' : ''}${cut}`;
  };
  return { a: shown(one), b: shown(other) };
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return '(nothing)';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** What differs, as the head of both values. */
export function headOf({ turn, what, field, call, index, isSent, tool }: RunDifference): string {
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

export type FigureRow = readonly [name: string, a: string, b: string];

/** The figures of both runs: a name, and a value of each. */
export function figureRows({ runs: [a, b], from }: RunDiff): readonly FigureRow[] {
  const row = (name: string, of: (run: RunFigures) => string): FigureRow => [name, of(a), of(b)];
  const since = (of: (figures: NonNullable<RunFigures['since']>) => string) => (run: RunFigures) =>
    run.since === null ? '' : of(run.since);
  const tokens = (inputTokens: number, outputTokens: number) => `${count(inputTokens)} in, ${count(outputTokens)} out`;
  const calls = (all: number, failed: number) => `${count(all)}${failed > 0 ? ` (${count(failed)} failed)` : ''}`;
  return [
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
}
