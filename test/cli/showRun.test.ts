// What `run` and `watch` show while the model writes: under the timeline on a terminal, and as lines elsewhere.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { columnsOf } from '../../cli/terminal/columns.ts';
import type { Screen } from '../../cli/terminal/screen.ts';
import { followOnScreen } from '../../cli/view/showRun.ts';
import type { RunHandle } from '../../client/index.ts';
import type { RunEvent } from '../../core/read/run.ts';
import { HOSTILE } from './hostile.ts';

/** A screen of so many columns that keeps what was written to it: the lines that stay, and the frame after each event. */
async function shown(columns: number, isLive: boolean, events: readonly RunEvent[]) {
  const lines: string[] = [];
  const frames: string[][] = [];
  let frame = (): string[] => [];
  const screen: Screen = {
    isLive,
    columns,
    rows: 24,
    paint: (_, text) => text,
    print: (...more) => void lines.push(...more),
    live(next) {
      if (isLive) frame = next;
    },
    redraw() {},
    clear() {},
  };
  async function* played() {
    for (const event of events) {
      yield event;
      frames.push(frame());
    }
  }
  // Only its events are read.
  const handle = { events: played } as unknown as RunHandle;
  await followOnScreen(handle, screen, new AbortController().signal);
  return { lines, frames, last: frames.at(-1)?.at(-1) ?? '' };
}

const start: RunEvent[] = [
  { type: 'started', atMs: 1_000, agent: 'kitchen', input: 'Cook.' },
  { type: 'model_call_started', atMs: 1_000, turn: 1, agent: 'kitchen' },
];
const at = { atMs: 10_000, turn: 1, attempt: 1 };
const text = (said: string, offset = 0): RunEvent => ({ type: 'text', ...at, offset, text: said });
const calling = (written: string, offset = 0, slot = 0, tool = 'get_order'): RunEvent => ({
  type: 'call_arguments',
  ...at,
  slot,
  tool,
  offset,
  arguments: written,
});
const again = (restarts: boolean): RunEvent => ({
  type: 'attempt',
  atMs: 11_000,
  turn: 1,
  slot: null,
  attempt: 2,
  restarts,
  lastError: 'The model sent nothing for 60 seconds.',
  lastFailure: 'error',
});
const answered: RunEvent = {
  type: 'answer',
  atMs: 12_000,
  turn: 1,
  text: null,
  calls: [],
  usage: { inputTokens: 0, outputTokens: 0, cachedTokens: 0 },
};

test('shows a call growing under the timeline and the text', async () => {
  const { frames, lines } = await shown(80, true, [
    ...start,
    text('Let me see.'),
    calling(''),
    calling('{"id'),
    calling('": "A-1', 4),
  ]);
  assert.deepEqual(frames.map((frame) => frame.at(-1)).slice(2), [
    '  Let me see.',
    '  writes get_order ',
    '  writes get_order {"id',
    '  writes get_order {"id": "A-1',
  ]);
  assert.ok(frames.at(-1)?.includes('  Let me see.'));
  assert.deepEqual(lines, ['kitchen: Cook.'], 'nothing of it stays');
});

test('shows what the model thinks as such, apart from what it writes', async () => {
  const thinks = (thought: string, offset = 0): RunEvent => ({ type: 'reasoning', ...at, offset, text: thought });
  const { frames, lines } = await shown(80, true, [
    ...start,
    thinks('An order '),
    thinks(`is missing.${HOSTILE}`, 9),
    text('Let me see.'),
  ]);
  const ends = frames.slice(2).map((frame) => frame.join('\n'));
  assert.match(ends[0]!, /the model thinks:\n {2}An order $/);
  assert.match(ends[1]!, /the model thinks:\n {2}An order is missing\./);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about.
  assert.doesNotMatch(frames.flat().join(''), /[\x00-\x1f\x7f-\x9f\u202e\u2066\u200b]/);
  assert.match(ends[2]!, /\n {2}Let me see\.$/);
  assert.doesNotMatch(ends[2]!, /thinks|missing/);
  assert.deepEqual(lines, ['kitchen: Cook.'], 'nothing of it stays');
  const plain = await shown(80, false, [...start, thinks('An order is missing.')]);
  assert.deepEqual(plain.lines.slice(1), ['  the model thinks: … An order is missing.']);
});

test('shows the end of long arguments, within the screen', async () => {
  const written = `{"to": "${'漢字 and letters '.repeat(20)}the end`;
  for (const columns of [20, 40, 80]) {
    const { last } = await shown(columns, true, [...start, calling(written)]);
    assert.ok(columnsOf(last) <= columns, last);
    assert.match(last, columns === 20 ? /^ {2}writes / : /^ {2}writes get_order ….*the end$/);
  }
  const missed = await shown(80, true, [...start, calling('{"a'), calling('z"}', 900)]);
  assert.equal(missed.last, '  writes get_order …z"}', 'what was missed in between is not passed over');
});

test('shows the newest of several calls, with its number', async () => {
  const { last } = await shown(80, true, [...start, calling('{"id": 1}'), calling('{"id": 2', 0, 1)]);
  assert.equal(last, '  writes call 2, get_order {"id": 2');
});

test('renders hostile names and arguments inert', async () => {
  for (const isLive of [true, false]) {
    const { frames, lines } = await shown(80, isLive, [...start, calling(HOSTILE, 0, 0, HOSTILE)]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about.
    assert.doesNotMatch([...frames.flat(), ...lines].join(''), /[\x00-\x1f\x7f-\x9f\u202e\u2066\u200b]/);
    assert.match([...frames.flat(), ...lines].join(), /before/);
  }
});

test('says that the answer starts again, with the reason, and clears it', async () => {
  for (const columns of [40, 80]) {
    const { lines, frames } = await shown(columns, true, [...start, text('Wrong.'), calling('{'), again(true)]);
    const said = lines.slice(1).map((line) => line.trim());
    assert.equal(said.join(' '), 'the answer starts again (attempt 2): The model sent nothing for 60 seconds.');
    assert.ok(lines.every((line) => columnsOf(line) <= columns));
    assert.doesNotMatch(frames.at(-1)!.join('\n'), /Wrong|writes/);
  }
  const { lines } = await shown(80, true, [...start, again(false)]);
  assert.deepEqual(lines.slice(1), ['  the model: attempt 2: The model sent nothing for 60 seconds.']);
});

test('reports an unknown agent once, and not as an error of the model', async () => {
  const lastError = 'This worker does not serve an agent "nosuch". It serves: clock, refunds.';
  const attempts = [2, 3, 4].map(
    (attempt) => ({ ...again(false), attempt, lastError, lastFailure: 'unknown_agent' }) as RunEvent,
  );
  const { lines } = await shown(80, true, [...start, ...attempts]);
  assert.deepEqual(lines.slice(1), [`  ${lastError}`]);
});

test('ignores streamed text that arrives after the answer', async () => {
  const { frames } = await shown(80, true, [...start, answered, text('Late.'), calling('{')]);
  assert.doesNotMatch(frames.at(-1)!.join('\n'), /Late|writes/);
});

test('prints the text from time to time if the screen cannot be redrawn', async () => {
  const pieces = Array.from({ length: 50 }, (_, i) => ({ ...calling('x', i), atMs: 10_000 + i * 200 }) as RunEvent);
  const { lines } = await shown(80, false, [...start, ...pieces]);
  assert.deepEqual(lines.slice(1), [
    '  the model writes get_order x',
    `  the model writes get_order ${'x'.repeat(26)}`,
  ]);
});
