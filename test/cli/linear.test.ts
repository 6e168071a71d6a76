// What reads text from outside costs time in proportion to its length, also as it streams: each is run with a text and with
// one sixteen times as long.
import assert from 'node:assert/strict';
import { PassThrough, Writable } from 'node:stream';
import { describe, test } from 'node:test';
import type { ReadStream, WriteStream } from 'node:tty';
import { buildAnswer } from '../../activities/model/answer.ts';
import { createEndpoint } from '../../activities/model/endpoint.ts';
import { modelFailure } from '../../activities/model/modelFailure.ts';
import { streamDetails } from '../../activities/model/streamDetails.ts';
import { parseArguments } from '../../activities/plan/arguments.ts';
import { resultText } from '../../activities/tools/jsonText.ts';
import { readThrown } from '../../activities/tools/thrown.ts';
import { createChatScreen } from '../../cli/chat/chatScreen.ts';
import { columnsOf, cutTo, fit, lastOf } from '../../cli/terminal/columns.ts';
import { inert, inertJson, inertJsonLines, inertLine } from '../../cli/terminal/inert.ts';
import type { Screen } from '../../cli/terminal/screen.ts';
import { wrapped } from '../../cli/terminal/wrap.ts';
import { questionParts } from '../../cli/view/people.ts';
import { followOnScreen } from '../../cli/view/showRun.ts';
import type { RunHandle } from '../../client/index.ts';
import type { RunEvent } from '../../core/read/run.ts';
import { shownArguments } from '../../core/shownArguments.ts';
import { callSummary } from '../../core/summary.ts';
import { cutBytes, cutText, oneLine, utf8Head, utf8Length } from '../../core/text.ts';
import { screenOf } from './screens.ts';

const TIMES = 16;
/**
 * A cost that grows with the square comes to 256 times. What is linear exceeds sixteen where the long text no longer fits
 * into the processor's cache, and more so where other programs use that too.
 */
const RATIO_MAX = 64;
/** Long enough for the processor's clock. */
const SHORT_MS = 2;
/** A screen is filled before: until then, each piece costs more than the one before it. */
const UNITS_MIN = 2_000;
const UNITS_MAX = 128_000;
const UNITS_STEP = 4;
/** V8 compiles meanwhile: a ratio that is too high is measured again. */
const ROUNDS = 10;

type Work = (text: string) => unknown;

/** The processor's time, which other programs on the machine do not add to. */
async function cpuMs(work: Work, text: string): Promise<number> {
  const before = process.cpuUsage();
  await work(text);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

/** How much longer it takes for a text that is sixteen times as long; 0 for what is too fast to measure. */
async function growth(work: Work, unit: string): Promise<number> {
  for (let units = UNITS_MIN; units <= UNITS_MAX; units *= UNITS_STEP) {
    const [short, long] = [unit.repeat(units), unit.repeat(units * TIMES)];
    let shortMs = await cpuMs(work, short);
    if (shortMs >= SHORT_MS) shortMs = Math.min(shortMs, await cpuMs(work, short));
    if (shortMs < SHORT_MS) continue;
    let longMs = Number.POSITIVE_INFINITY;
    for (let round = 0; round < ROUNDS && longMs > shortMs * RATIO_MAX; round++) {
      shortMs = Math.min(shortMs, await cpuMs(work, short));
      longMs = Math.min(longMs, await cpuMs(work, long));
    }
    return longMs / shortMs;
  }
  return 0;
}

async function assertLinear(name: string, work: Work): Promise<void> {
  for (const unit of REPEATED) {
    const times = await growth(work, unit);
    assert.ok(times <= RATIO_MAX, `${name} of ${JSON.stringify(unit)}: ${times.toFixed(1)} times`);
  }
}

/** Letters of all widths, marks and invisible letters without end, spaces, and the beginnings of what never ends. */
const REPEATED = [
  'ab cd ',
  '漢',
  'e\u0301',
  '\u0301',
  '\u{e0100}',
  '👍\u200d',
  ' ',
  '\n',
  '\x1b]',
  '\x1b[1;',
  '\x9d',
  '"',
  '\ud83d',
  'sk-',
  'Bearer ',
];

const question = (args: string) =>
  ({
    kind: 'approval',
    call: '1.0',
    digest: '',
    tool: 'pay',
    arguments: args,
    question: args,
    sinceMs: 0,
    expiresAtMs: null,
  }) as const;

const endpoint = createEndpoint({ apiKey: 'canary-7f3a9b2c5d8e', baseURL: 'http://bob:hunter2@127.0.0.1/v1' });

const WHOLE: Readonly<Record<string, Work>> = {
  utf8Length,
  utf8Head: (text) => utf8Head(text, text.length),
  cutBytes: (text) => cutBytes(text, text.length),
  cutText: (text) => cutText(text, text.length - 1),
  oneLine: (text) => oneLine(text, 80),
  callSummary: (text) => callSummary({ id: '', type: 'function', function: { name: 'pay', arguments: text } }),
  inert,
  inertLine: (text) => inertLine(text, 2_000),
  inertJson,
  inertJsonLines: (text) => inertJsonLines(JSON.stringify({ text })),
  shownArguments: (text) => shownArguments(JSON.stringify({ text, more: text }), text.length),
  columnsOf,
  cutTo: (text) => cutTo(text, 80),
  fit: (text) => fit(text, 80),
  lastOf: (text) => lastOf(text, 80),
  wrapped: (text) => wrapped(text, 79),
  'a question': (text) => questionParts(question(JSON.stringify({ text })), 79, true),
  'a result': (text) => resultText({ text }, text.length),
  'a list': (text) => resultText(text.split(''), text.length),
  arguments: parseArguments,
  "a tool's error": (text) => readThrown(new Error(text)),
  "the secrets of a server's text": (text) => endpoint.secrets.hide(text),
  "a model's error": (text) => modelFailure(new Error(text), { endpoint, model: 'm' }),
};

describe('a text', () => {
  for (const [name, work] of Object.entries(WHOLE))
    test(`costs ${name} what it is long`, () => assertLinear(name, work));
});

/** Characters of each piece of a stream. */
const PIECE = 100;

function* pieces(text: string): Generator<{ readonly offset: number; readonly text: string }> {
  for (let offset = 0; offset < text.length; offset += PIECE)
    yield { offset, text: text.slice(offset, offset + PIECE) };
}

const at = { atMs: 10_000, turn: 1, attempt: 1 };

/** Follows a run whose model streams, and draws each frame. */
function follow(isLive: boolean, eventOf: (piece: { offset: number; text: string }) => RunEvent): Work {
  return async (text) => {
    let frame = (): string[] => [];
    const setFrame = (next: () => string[]) => {
      frame = next;
    };
    const screen: Screen = { ...screenOf(80), isLive, live: setFrame };
    async function* played(): AsyncGenerator<RunEvent> {
      yield { type: 'started', atMs: 1_000, agent: 'kitchen', input: 'Cook.' };
      yield { type: 'model_call_started', atMs: 1_000, turn: 1, agent: 'kitchen' };
      for (const piece of pieces(text)) {
        yield eventOf(piece);
        frame();
      }
    }
    // Only its events are read.
    await followOnScreen({ events: played } as unknown as RunHandle, screen, new AbortController().signal);
  };
}

function onChatScreen(text: string): void {
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => {} });
  const output = Object.assign(new Writable({ write: (_chunk, _encoding, done) => done() }), {
    isTTY: true,
    columns: 80,
  });
  const handlers = { message() {}, interrupt() {}, end() {} };
  // Only what a stream and a terminal share is used.
  const screen = createChatScreen(
    input as unknown as ReadStream,
    output as unknown as WriteStream,
    handlers,
    () => false,
  );
  for (const piece of pieces(text)) screen.write(piece.text);
  screen.endText();
  screen.close();
}

function heartbeats(text: string, asCall: boolean): void {
  const answer = buildAnswer();
  for (const piece of pieces(text)) {
    const tool_calls = [{ index: 0, id: 'c', function: { name: 'pay', arguments: piece.text } }];
    answer.add({ choices: [{ index: 0, delta: asCall ? { tool_calls } : { content: piece.text } }] });
    answer.size();
    streamDetails(answer, 1);
  }
}

function reasoning(text: string): void {
  const answer = buildAnswer();
  for (const { offset, text: piece } of pieces(text)) {
    const delta = { reasoning_content: piece, reasoning_details: [{ text: piece }], [`field_${offset}`]: piece };
    answer.add({ choices: [{ index: 0, delta }] });
  }
  answer.build();
}

const STREAMED: Readonly<Record<string, Work>> = {
  'on a live screen': follow(true, (piece) => ({ type: 'text', ...at, ...piece })),
  'as lines': follow(false, ({ offset, text }) => ({ type: 'text', ...at, atMs: 10_000 + offset * 500, offset, text })),
  'of a call on a live screen': follow(true, ({ offset, text }) => ({
    type: 'call_arguments',
    ...at,
    slot: 0,
    tool: 'pay',
    offset,
    arguments: text,
  })),
  'in a chat': onChatScreen,
  'in heartbeats': (text) => heartbeats(text, false),
  'of a call in heartbeats': (text) => heartbeats(text, true),
  'of reasoning': reasoning,
};

describe('a stream', () => {
  for (const [name, work] of Object.entries(STREAMED))
    test(`costs what it is long ${name}`, () => assertLinear(name, work));
});
