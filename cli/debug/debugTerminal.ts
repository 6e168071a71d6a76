// `holdfast debug` on a terminal: draws the state on the alternate screen, and turns keys into actions.
import { emitKeypressEvents, type Key } from 'node:readline';
import type { ReadStream, WriteStream } from 'node:tty';
import { EXIT, errorText } from '../exit.ts';
import { inertLine } from '../terminal/inert.ts';
import { printable, styled } from '../terminal/output.ts';
import {
  act,
  childOf,
  clamped,
  type DebugAction,
  type DebuggedRun,
  type DebugState,
  frameOf,
  openState,
  pageOf,
  refreshed,
  searchFor,
} from './debugState.ts';

/** Reads a run: of a sub-agent by its id, or the one that was named. */
export type LoadRun = (childId?: string) => Promise<DebuggedRun>;

const ENTER_SCREEN = '\x1b[?1049h\x1b[?25l\x1b[?7l';
const LEAVE_SCREEN = '\x1b[?7h\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const CLEAR_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';
const SEARCH_CHARS_MAX = 200;

const KEYS: Readonly<Record<string, DebugAction>> = {
  right: 'next',
  l: 'next',
  left: 'previous',
  h: 'previous',
  t: 'nextTurn',
  T: 'previousTurn',
  c: 'nextCall',
  C: 'previousCall',
  home: 'first',
  g: 'first',
  end: 'last',
  G: 'last',
  f: 'firstFailure',
  n: 'nextMatch',
  N: 'previousMatch',
  down: 'down',
  j: 'down',
  up: 'up',
  k: 'up',
  pagedown: 'pageDown',
  space: 'pageDown',
  pageup: 'pageUp',
  b: 'pageUp',
  '?': 'help',
};

/** Shows the run until the person quits. Returns the exit code. */
export async function debugOnTerminal(
  load: LoadRun,
  debugged: DebuggedRun,
  input: ReadStream,
  output: WriteStream,
): Promise<number> {
  /** The runs above the one that is shown. */
  const above: DebugState[] = [];
  let state = openState(debugged);
  let isLoading = false;
  const left = Promise.withResolvers<number>();
  const size = () => ({ columns: Math.max(20, output.columns ?? 80), rows: Math.max(6, output.rows ?? 24) });
  const page = () => pageOf(size().rows);

  emitKeypressEvents(input);
  input.setRawMode(true);
  input.resume();
  input.on('keypress', onKey);
  output.on('resize', draw);
  const leave = () => left.resolve(EXIT.interrupted);
  process.once('SIGTERM', leave);
  process.once('SIGHUP', leave);
  process.once('exit', restore);
  output.write(ENTER_SCREEN);
  draw();
  try {
    return await left.promise;
  } finally {
    process.off('SIGTERM', leave);
    process.off('SIGHUP', leave);
    process.off('exit', restore);
    input.off('keypress', onKey);
    output.off('resize', draw);
    input.setRawMode(false);
    input.pause();
    restore();
  }

  function restore(): void {
    output.write(LEAVE_SCREEN);
  }

  function draw(): void {
    const { columns, rows } = size();
    const path = above.map(({ debugged: { run } }) => run.workflowId);
    const paint: Parameters<typeof frameOf>[2]['paint'] = (style, text) => styled(style, text, output);
    const lines = frameOf(state, path, { columns, rows, paint });
    output.write(HOME + lines.map((line) => `${printable(line)}${CLEAR_LINE}`).join('\r\n') + CLEAR_BELOW);
  }

  function show(next: DebugState): void {
    state = clamped(next, size());
    draw();
  }

  function onKey(text: string | undefined, key: Key): void {
    if (key.ctrl && key.name === 'c') return left.resolve(EXIT.interrupted);
    if (state.typing !== null) return onTyped(state.typing, text, key);
    const name = text !== undefined && text.length === 1 && text !== ' ' && text > ' ' ? text : key.name;
    const action = name === undefined || key.ctrl || key.meta ? undefined : KEYS[name];
    if (action) return show(act(state, action, page()));
    if (text === 'q' || (key.ctrl && key.name === 'd')) return left.resolve(EXIT.completed);
    if (key.name === 'escape') return show({ ...state, isHelp: false, notice: '' });
    if (text === '/') return show({ ...state, typing: '', notice: '' });
    if (text === 'r') return void loading(() => reload());
    if (key.name === 'return' || key.name === 'enter') return void loading(() => enter());
    if (key.name === 'backspace') return back();
  }

  function onTyped(typing: string, text: string | undefined, key: Key): void {
    if (key.name === 'escape') return show({ ...state, typing: null });
    if (key.name === 'return' || key.name === 'enter') return show(searchFor(state, typing, page()));
    if (key.name === 'backspace') return show({ ...state, typing: Array.from(typing).slice(0, -1).join('') });
    if (key.ctrl && key.name === 'u') return show({ ...state, typing: '' });
    if (text === undefined || key.ctrl || key.meta || typing.length > SEARCH_CHARS_MAX) return;
    show({ ...state, typing: typing + inertLine(text, SEARCH_CHARS_MAX) + (text === ' ' ? ' ' : '') });
  }

  function back(): void {
    const before = above.pop();
    show(before ? { ...before, notice: '' } : { ...state, notice: 'There is no run above this one.' });
  }

  /** One at a time. A run that cannot be read leaves the screen as it is, with the reason. */
  async function loading(read: () => Promise<void>): Promise<void> {
    if (isLoading) return;
    isLoading = true;
    show({ ...state, notice: 'Reading …' });
    try {
      await read();
    } catch (error) {
      show({ ...state, notice: errorText(error) });
    } finally {
      isLoading = false;
    }
  }

  async function reload(): Promise<void> {
    show(refreshed(state, await load(above.length > 0 ? state.debugged.run.workflowId : undefined)));
  }

  async function enter(): Promise<void> {
    const child = childOf(state);
    if (child === null) return show({ ...state, notice: 'This step is about no sub-agent.' });
    const from = state;
    const entered = await load(child);
    above.push({ ...from, notice: '' });
    show(openState(entered));
  }
}
