// A model whose random answers are mostly bad; each depends on the run, the turn and the seed.
import type { Script, ScriptedAnswer, ScriptedCall, ScriptedMessage } from '../../activities/testing/index.ts';
import { Random } from '../simulation/random.ts';

/** After these turns it comes to an end, if it has not before. */
const BAD_TURNS = 4;

/** The run's input is its number. */
export function badModel(seed: number): Script {
  return ({ input, turn, attempt }) => {
    const random = new Random(seed + Number(input) * 1_009 + turn * 31);
    if (turn > BAD_TURNS) return 'Done.';
    const answer = badAnswer(random);
    // A fault passes with the next attempt, so that the retry is seen to work and costs a second.
    return attempt === 1 && random.chance(0.1) ? faulty(random) : answer;
  };
}

function faulty(random: Random): ScriptedAnswer {
  const fault = random.pick([
    'html',
    'errorWith200',
    'emptyChoices',
    'emptyMessage',
    'reset',
    'noEnd',
    'errorInStream',
  ] as const);
  if (random.chance(0.2))
    return { fault: 'status', status: random.pick([408, 409, 429, 500, 503]), headers: { 'retry-after': '0' } };
  return { fault };
}

function badAnswer(random: Random): ScriptedAnswer {
  return random.weighed<() => ScriptedAnswer>([
    [0.5, () => ({ text: text(random) })],
    [6, () => message(random)],
    [0.7, () => ({ choices: Array.from({ length: random.int(1, 3) }, () => message(random)) })],
    [0.5, () => ({ functionCall: { tool: toolName(random), arguments: args(random) } })],
    [0.2, () => ({ refusal: text(random) })],
    [0.5, () => ({ fault: 'notStreamed', ...message(random) })],
  ])();
}

function message(random: Random): ScriptedMessage {
  const count = random.weighed([
    [6, random.int(1, 6)],
    [0.3, random.int(20, 60)],
  ]);
  return {
    ...(random.chance(0.3) && { text: text(random) }),
    calls: Array.from({ length: count }, () => call(random)),
    ...(random.chance(0.15) && {
      finishReason: random.pick(['stop', 'length', 'content_filter', 'tool_calls', 'what']),
    }),
  };
}

function call(random: Random): ScriptedCall {
  return {
    tool: toolName(random),
    arguments: args(random),
    ...(random.chance(0.4) && {
      id: random.pick([null, '', 'same', 'call_1_0', 'x'.repeat(500), 'with blank', 'é', '\u0000']),
    }),
  };
}

function toolName(random: Random): string {
  if (random.chance(0.6)) return 'note';
  return random.pick([
    '',
    'Note',
    'note ',
    '__proto__',
    'constructor',
    'toString',
    'callModel',
    'no_tool',
    'ü'.repeat(40),
    'n'.repeat(300),
  ]);
}

function args(random: Random): unknown {
  return random.weighed<() => unknown>([
    [4, () => ({ key: text(random), n: random.int(-5, 5) })],
    [
      4,
      () =>
        random.pick([
          '',
          '{',
          '{"key":',
          '[]',
          'null',
          '7',
          '"text"',
          'not json',
          '{"key":1}',
          '{"key":"a","more":true}',
          '{"key":"a","__proto__":{"polluted":true}}',
          '{"constructor":{"prototype":{"polluted":true}}}',
          '\ufeff{}',
          '{"key":"\\ud800"}',
          "{'key':'a'}",
          '{"key":"a",}',
          '```json\n{"key":"a"}\n```',
        ]),
    ],
    [0.3, () => `{"key":${'['.repeat(10_000)}${']'.repeat(10_000)}}`],
    [0.1, () => JSON.stringify({ key: 'k'.repeat(1_000_000) })],
    [1, () => junk(random)],
  ])();
}

function text(random: Random): string {
  return (
    random.pick([
      '',
      ' ',
      'words',
      'a\ud800b',
      '\u0000',
      '"\\',
      '<script>',
      '{"error":"no","kind":"failed"}',
      'é€😀',
      junk(random),
    ]) || 'x'
  );
}

function junk(random: Random): string {
  return Array.from({ length: random.int(1, 40) }, () => String.fromCharCode(random.int(0, 0xffff))).join('');
}
