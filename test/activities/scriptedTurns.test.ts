// The scripted model has no cursor: it answers from the transcript that it is sent.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import {
  type Script,
  type ScriptedRequest,
  startScriptedModel,
  transcriptProblem,
} from '../../activities/testing/index.ts';
import { answered, ask, type Messages, MODEL, serveScript, TOOLS } from './scriptedSupport.ts';

const START: Messages = [
  { role: 'system', content: 'You tell the time.' },
  { role: 'user', content: 'What time is it?' },
];
const SCRIPT: Script = [
  { calls: [{ tool: 'get_time' }, { tool: 'get_date' }] },
  { calls: [{ tool: 'get_time' }] },
  ({ results }) => `It is ${JSON.stringify(results[0]?.result)}.`,
];

async function answer(openai: OpenAI, messages: Messages) {
  const message = (await ask(openai, messages)).choices[0]?.message;
  assert(message);
  return message;
}

test('answers by turn, and the same for the same transcript on any server', async (t) => {
  const { openai } = await serveScript(t, SCRIPT);
  const transcripts: Messages[] = [START];
  for (const results of [['"noon"', 'Monday'], ['{"time":"12:00"}'], []]) {
    const sofar = transcripts.at(-1) ?? [];
    transcripts.push([...sofar, ...answered(await answer(openai, sofar), results)]);
  }
  const last = transcripts.at(-1) ?? [];
  assert.equal(last.at(-1)?.content, 'It is {"time":"12:00"}.');
  const ids = last
    .flatMap((message) => ('tool_calls' in message ? (message.tool_calls ?? []) : []))
    .map(({ id }) => id);
  assert.deepEqual(ids, ['call_1_0', 'call_1_1', 'call_2_0']);

  // Out of order, and at a server that has not seen the transcript.
  const other = await serveScript(t, SCRIPT);
  const said = [last[2], last[5], last[7]];
  for (const turn of [2, 0, 1]) assert.deepEqual(await answer(other.openai, transcripts[turn] ?? []), said[turn]);
});

test('passes a function the request and what it derives from it', async (t) => {
  const seen: ScriptedRequest[] = [];
  const { openai } = await serveScript(t, async (request) => {
    seen.push(request);
    return request.turn === 1 ? { calls: [{ tool: 'get_time' }, { tool: 'get_date' }] } : 'Done.';
  });
  const next = [...START, ...answered(await answer(openai, START), ['{"time":12}', 'not JSON'])];
  await answer(openai, next);
  await answer(openai, next);
  await answer(openai, [...next, { role: 'assistant', content: 'Done.' }, { role: 'user', content: 'And now?' }]);
  assert.deepEqual(
    seen.map(({ agent, turn, attempt, input, results }) => ({ agent, turn, attempt, input, results })),
    [
      { agent: 'clock', turn: 1, attempt: 1, input: 'What time is it?', results: [] },
      ...[1, 2].map((attempt) => ({
        agent: 'clock',
        turn: 2,
        attempt,
        input: 'What time is it?',
        results: [
          { tool: 'get_time', result: { time: 12 } },
          { tool: 'get_date', result: 'not JSON' },
        ],
      })),
      { agent: 'clock', turn: 3, attempt: 1, input: 'And now?', results: [] },
    ],
  );
  assert.deepEqual(seen[1]?.tools, ['get_time', 'get_date']);
  assert.deepEqual(
    seen[1]?.messages.map(({ role, content }) => [role, content]),
    next.map(({ role, content }) => [role, content]),
  );
});

test('generates ids that the transcript and the answer do not have', async (t) => {
  const call = { tool: 'get_time' };
  const { openai } = await serveScript(t, [
    { calls: [{ ...call, id: 'call_2_0' }, call, { ...call, id: 'call_1_1' }] },
    { calls: [call] },
  ]);
  const first = await answer(openai, START);
  const next = [...START, ...answered(first, ['1', '2', '3'])];
  const second = await answer(openai, next);
  const ids = [...(first.tool_calls ?? []), ...(second.tool_calls ?? [])].map(({ id }) => id);
  assert.equal(new Set(ids).size, 4, ids.join());
  assert.deepEqual(ids.slice(0, 1), ['call_2_0']);
  const checked = [...next, ...answered(second, ['4'])].map((message) => JSON.parse(JSON.stringify(message)));
  assert.equal(transcriptProblem(checked), null);
});

const mistakes: [string, Script, string, RegExp][] = [
  ['a list that runs out', ['One.'], 'script_exhausted', /agent "clock" has 1 answer, but turn 2 was requested/],
  [
    'a function that throws',
    () => {
      throw new Error('no such city');
    },
    'script_failed',
    /agent "clock" threw at turn 2: no such city/,
  ],
  ['one that rejects', () => Promise.reject(new Error('nor this')), 'script_failed', /threw at turn 2: nor this/],
  ['one that never answers', () => new Promise(() => {}), 'script_timeout', /did not answer turn 2 within 20 ms/],
  // @ts-expect-error what JavaScript lets one forget
  ['one that returns nothing', () => {}, 'script_invalid', /Is a return missing/],
  ['an answer that says nothing', () => ({}), 'script_invalid', /it is empty\. .*emptyMessage/],
  [
    'arguments without a JSON form',
    () => ({ calls: [{ tool: 'x', arguments: 1n }] }),
    'script_invalid',
    /arguments of x/,
  ],
  ['a value without a JSON form', () => ({ value: 1n }), 'script_invalid', /its value has no JSON form/],
  ['a text and a value', () => ({ text: 'x', value: 1 }), 'script_invalid', /both text and value/],
  // @ts-expect-error
  ['an unknown fault', () => ({ fault: 'toString' }), 'script_invalid', /Use one of: status, hang/],
  [
    'a header that HTTP cannot carry',
    () => ({ fault: 'status', status: 429, headers: { 'retry-after': '1\n2' } }),
    'script_invalid',
    /could not be sent/,
  ],
];

for (const [name, script, code, words] of mistakes) {
  test(`reports ${name} as an error that is not retried`, async (t) => {
    const { openai, model } = await serveScript(t, script, { scriptTimeoutMs: 20 });
    const messages: Messages = [...START, { role: 'assistant', content: 'One.' }, { role: 'user', content: 'More.' }];
    await assert.rejects(ask(openai, messages), (error) => {
      assert(error instanceof OpenAI.BadRequestError);
      assert.equal(error.code, code);
      assert.match(error.message, words);
      return true;
    });
    assert.equal(model.countRequests(), 1);
  });
}

test('tells an agent without a script that this is no model, and what to do', async (t) => {
  const model = await startScriptedModel({ agents: [{ name: 'mute' }, { name: 'clinic', offline: ['Hello.'] }] });
  t.after(() => model.close());
  const openai = new OpenAI({ baseURL: model.baseURL, apiKey: 'offline', maxRetries: 0 });
  for (const [name, words] of [
    [
      'offline/mute',
      /offline script, not a model, and agent "mute" has no script. Set OPENAI_API_KEY .* offline\/clinic/,
    ],
    ['gpt-4o', /offline script, not a model, and it does not serve a model "gpt-4o"/],
    ['offline/__proto__', /agent "__proto__" has no script/],
  ] as const)
    await assert.rejects(openai.chat.completions.create({ model: name, messages: START }), (error) => {
      assert(error instanceof OpenAI.BadRequestError);
      assert.equal(error.code, 'script_missing');
      assert.match(error.message, words);
      return true;
    });
  await openai.chat.completions.create({ model: 'offline/clinic', messages: START });
  assert.deepEqual(
    { all: model.countRequests(), clinic: model.countRequests('clinic'), mute: model.countRequests('mute') },
    { all: 4, clinic: 1, mute: 0 },
  );
});

test("prefers scripts given by name to the agents' own", async (t) => {
  const { openai } = await serveScript(t, ['From the test.'], { agents: [{ name: 'clock', offline: ['Its own.'] }] });
  const reply = await openai.chat.completions.create({ model: MODEL, messages: START, tools: TOOLS });
  assert.equal(reply.choices[0]?.message.content, 'From the test.');
});
