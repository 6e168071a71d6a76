// Where a person is in a run that is debugged, and how that looks: pure functions, so that the terminal only draws and reads keys.
import type { Run } from '../../core/read/run.ts';
import type { RunStep } from '../../core/read/steps.ts';
import { plural } from '../../core/text.ts';
import { columnsOf, cutTo, fit } from '../terminal/columns.ts';
import { idText, inertLine } from '../terminal/inert.ts';
import type { Screen } from '../terminal/screen.ts';
import { wrapped } from '../terminal/wrap.ts';
import { stepLines, stepTitle } from './stepLines.ts';

/** A run that is shown, as it was read. */
export interface DebuggedRun {
  readonly run: Run;
  readonly steps: readonly RunStep[];
}

export interface DebugState {
  readonly debugged: DebuggedRun;
  /** Index of the step. */
  readonly at: number;
  /** Lines of the step that are scrolled away. */
  readonly scrolled: number;
  /** What is searched for; null if nothing is. */
  readonly search: string | null;
  /** What is being typed after `/`; null if nothing is. */
  readonly typing: string | null;
  readonly isHelp: boolean;
  /** What the last key came to, if it is not to be seen otherwise. */
  readonly notice: string;
}

export type DebugAction =
  | 'next'
  | 'previous'
  | 'nextTurn'
  | 'previousTurn'
  | 'nextCall'
  | 'previousCall'
  | 'first'
  | 'last'
  | 'firstFailure'
  | 'nextMatch'
  | 'previousMatch'
  | 'down'
  | 'up'
  | 'pageDown'
  | 'pageUp'
  | 'help';

export function openState(debugged: DebuggedRun): DebugState {
  return { debugged, at: 0, scrolled: 0, search: null, typing: null, isHelp: false, notice: '' };
}

/** Returns the state after a key. `page` is how many lines of the step are on the screen. */
export function act(state: DebugState, action: DebugAction, page: number): DebugState {
  const { debugged, at, search } = state;
  const { steps } = debugged;
  const still = { ...state, notice: '', isHelp: false };
  const go = (index: number, notice: string) => (index < 0 ? { ...still, notice } : moved(still, index));
  const step = steps[at];
  const isTurn = (one: RunStep) => one.event.type === 'model_call_started';
  const after = (is: (one: RunStep) => boolean) => steps.findIndex((one, index) => index > at && is(one));
  const before = (is: (one: RunStep) => boolean) => steps.findLastIndex((one, index) => index < at && is(one));
  switch (action) {
    case 'next':
      return at + 1 < steps.length ? moved(still, at + 1) : { ...still, notice: 'This is the last step.' };
    case 'previous':
      return at > 0 ? moved(still, at - 1) : { ...still, notice: 'This is the first step.' };
    case 'nextTurn':
      return go(after(isTurn), 'There is no later turn.');
    case 'previousTurn':
      return go(before(isTurn), 'There is no earlier turn.');
    case 'nextCall':
      return go(
        after(({ call }) => call !== null && call !== step?.call),
        'There is no later call.',
      );
    case 'previousCall':
      return go(
        before(({ call }) => call !== null && call !== step?.call),
        'There is no earlier call.',
      );
    case 'first':
      return moved(still, 0);
    case 'last':
      return moved(still, Math.max(0, steps.length - 1));
    case 'firstFailure':
      return go(
        steps.findIndex(({ failed }) => failed),
        'Nothing has failed.',
      );
    case 'nextMatch':
    case 'previousMatch': {
      if (search === null) return { ...still, notice: 'Search with / first.' };
      const order = action === 'nextMatch' ? 1 : -1;
      const found = steps
        .map((_, index) => (at + order * (index + 1) + 2 * steps.length) % steps.length)
        .find((index) => matches(debugged, index, search));
      return go(found ?? -1, `No step has ${JSON.stringify(inertLine(search, 60))}.`);
    }
    case 'down':
      return { ...still, scrolled: state.scrolled + 1 };
    case 'up':
      return { ...still, scrolled: Math.max(0, state.scrolled - 1) };
    case 'pageDown':
      return { ...still, scrolled: state.scrolled + page };
    case 'pageUp':
      return { ...still, scrolled: Math.max(0, state.scrolled - page) };
    case 'help':
      return { ...still, isHelp: !state.isHelp };
  }
}

/** Searches from here on for a text that was typed. */
export function searchFor(state: DebugState, text: string, page: number): DebugState {
  const searching = { ...state, typing: null, search: text === '' ? state.search : text };
  return searching.search === null ? searching : act(searching, 'nextMatch', page);
}

/** The same place in the run as it was read again. */
export function refreshed(state: DebugState, debugged: DebuggedRun): DebugState {
  const more = debugged.steps.length - state.debugged.steps.length;
  const at = Math.min(state.at, Math.max(0, debugged.steps.length - 1));
  return { ...state, debugged, at, notice: more > 0 ? `Read again: ${more} more.` : 'Read again: nothing new.' };
}

/** The id of the sub-agent's run that the step is about; null if it is about none. */
export function childOf({ debugged, at }: DebugState): string | null {
  const step = debugged.steps[at];
  if (step?.event.type === 'call_scheduled') return step.event.childId;
  if (step?.event.type === 'call_ended') return step.event.call.childId;
  return null;
}

function moved(state: DebugState, at: number): DebugState {
  return { ...state, at, scrolled: 0 };
}

function linesAt({ run, steps }: DebuggedRun, at: number): string[] {
  const step = steps[at];
  return step ? stepLines(step, run, steps[at - 1]) : [];
}

function matches(debugged: DebuggedRun, at: number, search: string): boolean {
  const text = [stepTitle(debugged.steps[at]!), ...linesAt(debugged, at)].join('\n');
  return text.toLowerCase().includes(search.toLowerCase());
}

export const HELP: readonly (readonly [keys: string, does: string])[] = [
  ['→ l, ← h', 'next step, previous step'],
  ['t, T', 'next turn, previous turn'],
  ['c, C', 'next call, previous call'],
  ['g, G', 'first step, last step'],
  ['f', 'first failure'],
  ['/ text, n, N', 'search; next match, previous match'],
  ['↓ j, ↑ k, space, b', 'scroll the step by a line or a page'],
  ['Enter, Backspace', "open the run of the step's sub-agent; go back"],
  ['r', 'read the run again'],
  ['?, q', 'this help; quit'],
];

const KEYS_SHOWN = '←→ step  t turn  c call  f failure  / search  ? help  q quit';

/** Rows of the frame that are neither list nor step: the title, two lines between, and the keys. */
const FRAME_ROWS = 4;
const STEPS_MIN = 3;

/** How many rows the list of steps has, and how many the step. */
function parts(rows: number): { readonly list: number; readonly step: number } {
  const free = Math.max(2, rows - FRAME_ROWS);
  const list = Math.max(Math.min(STEPS_MIN, free - 1), Math.floor(free / 3));
  return { list, step: free - list };
}

export function pageOf(rows: number): number {
  return parts(rows).step;
}

/** Returns the state with no more lines scrolled away than there are. */
export function clamped(state: DebugState, { columns, rows }: Pick<Screen, 'columns' | 'rows'>): DebugState {
  const most = Math.max(0, wrappedAt(state, columns).length - pageOf(rows));
  return state.scrolled <= most ? state : { ...state, scrolled: most };
}

function wrappedAt({ debugged, at }: DebugState, columns: number): string[] {
  return linesAt(debugged, at).flatMap((line) => wrapped(line.replaceAll('\t', '    '), columns - 1));
}

/** Returns the screen: as many lines as it has rows, none wider than it. `path` has the ids of the runs above this one. */
export function frameOf(
  state: DebugState,
  path: readonly string[],
  { columns, rows, paint }: Pick<Screen, 'columns' | 'rows' | 'paint'>,
): string[] {
  const { debugged, at, typing, notice, isHelp } = state;
  const { run, steps } = debugged;
  const { list, step } = parts(rows);
  const status = run.status.replaceAll('_', ' ');
  const where = `${[...path, run.workflowId].map(idText).join(' > ')}: ${status}, step ${at + 1} of ${steps.length}`;
  const lines = isHelp ? helpLines() : wrappedAt(state, columns);
  const scrolled = Math.min(state.scrolled, Math.max(0, lines.length - step));
  const shown = lines.slice(scrolled, scrolled + step);
  const rest = lines.length - scrolled - shown.length;
  const keys = typing === null ? inertLine(notice, columns * 2) || KEYS_SHOWN : `/${inertLine(typing, columns)}`;
  const line = (text: string) => paint('dim', text);
  const between = '─'.repeat(columns);
  return [
    paint('bold', cutTo(where, columns)),
    ...padded(listLines(state, list, columns, paint), list),
    line(between),
    ...padded(
      shown.map((one) => cutTo(one, columns)),
      step,
    ),
    line(rest > 0 ? cutTo(`── ${plural(rest, 'more line')}: ↓ ${between}`, columns) : between),
    cutTo(keys, columns - 1),
  ].slice(0, rows);
}

function helpLines(): string[] {
  const widest = Math.max(...HELP.map(([keys]) => columnsOf(keys)));
  return HELP.map(([keys, does]) => `${fit(keys, widest)}  ${does}`);
}

function listLines({ debugged, at }: DebugState, count: number, columns: number, paint: Screen['paint']): string[] {
  const { steps } = debugged;
  const from = Math.max(0, Math.min(at - Math.floor(count / 2), steps.length - count));
  return steps.slice(from, from + count).map((step, index) => {
    const isHere = from + index === at;
    const text = fit(`${isHere ? '>' : ' '} ${step.failed ? '✗' : ' '} ${stepTitle(step)}`, columns - 1);
    if (isHere) return paint('inverse', text);
    return step.failed ? paint('red', text) : text;
  });
}

function padded(lines: readonly string[], count: number): string[] {
  return [...lines, ...Array.from({ length: Math.max(0, count - lines.length) }, () => '')];
}
