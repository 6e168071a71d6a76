// Each provider's wire over the whole path of the loop: what it streams becomes the right calls, and it refuses nothing but what has to be
// learned from its refusal, once.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { z } from 'zod';
import { type AgentOptions, defineTool, handoff } from '../../../activities/index.ts';
import {
  offlineModel,
  type Script,
  type ScriptedRequest,
  startScriptedModel,
  type WireName,
} from '../../../activities/testing/index.ts';
import type { Run } from '../../../client/index.ts';
import { type Bench, endToEnd } from '../../support/bench.ts';
import { golden } from '../../support/toolTexts.ts';
import { counter, gate } from '../../support/waits.ts';

/** The ids in the transcript: those that each sends. */
const IDS: Readonly<Record<WireName, RegExp>> = {
  anthropic: /^toolu_/,
  azure: /^call_/,
  deepseek: /^call_00_/,
  gemini: /^[0-9a-f]{8}$/,
  litellm: /^call_/,
  llamacpp: /^[0-9a-f]{32}$/,
  lmstudio: /^\d{9}$/,
  mistral: /^[0-9a-f]{9}$/,
  ollama: /^call_[0-9a-f]{8}$/,
  openai: /^call_/,
  openrouter: /^call_/,
  // Its own are longer than OpenAI takes.
  vllm: /^call_\d_\d$/,
};

const look = defineTool({
  name: 'look',
  description: 'Looks.',
  input: z.object({ at: z.string() }),
  effect: 'read',
  run: ({ at }) => `seen ${at}`,
});

// Of several pieces, with what counts as a brace and what does not.
const places = ['the {open} door', 'a "quoted" }window{ in the second storey', 'the yard', 'the street'];
const looks = (...at: readonly number[]) => at.map((i) => ({ tool: 'look', arguments: { at: places[i] } }));

/** Two messages of a person, with three calls and one. */
const TOUR: Script = [
  { text: 'Let me look.', calls: looks(0, 1) },
  { calls: looks(2) },
  'Nobody is there.',
  { calls: looks(3) },
  'Nobody is there, either.',
];
const TOUR_OPTIONS = { tools: [look], maxHistoryEvents: 30 } satisfies Partial<AgentOptions>;

type Said = Readonly<Record<string, unknown>>;

/** Where each has what it thought, as it goes back. */
const THOUGHTS: Partial<Record<WireName, (message: Said) => unknown>> = {
  anthropic: ({ content }) => (content as readonly unknown[])[0],
  litellm: ({ thinking_blocks: blocks }) => blocks,
  mistral: ({ content }) => (content as readonly unknown[])[0],
  openrouter: ({ reasoning_details: details }) => details,
};
const SIGNED: Partial<Record<WireName, RegExp>> = {
  anthropic: /^\{"type":"thinking","thinking":"I think before I answer.","signature":"\w{40}"\}$/,
  litellm: /^\[\{"type":"thinking","thinking":"I think before I answer.","signature":"\w{40}"\}\]$/,
  mistral: /^\{"type":"thinking","thinking":\[\{"type":"text","text":"I think before I answer."\}\]\}$/,
  openrouter: /^\[\{"type":"reasoning.text","text":"I think before I answer.",.*"signature":"\w{40}"\}\]$/,
};

async function checkTour(bench: Bench, agent: { readonly name: string }, wire: WireName): Promise<Run> {
  const handle = await bench.holdfast.start(agent.name, 'Look around.', {
    session: true,
    // Its signatures are in history.
    ...(wire === 'gemini' && golden(bench.cached, 'provider-data')),
  });
  assert.equal((await handle.ask('Look outside.')).output, 'Nobody is there, either.');
  await handle.close();
  const { run, result } = await bench.finished(handle.workflowId);
  assert.equal(result.status, 'completed', result.reason ?? '');
  assert.ok((await handle.histories()).length > 1, 'it has continued as new');
  const calls = run.turns.flatMap((turn) => turn.calls);
  assert.deepEqual(
    calls.map(({ tool, arguments: json, text }) => [tool, JSON.parse(json), text]),
    places.map((at) => ['look', { at }, `seen ${at}`]),
  );
  assert.deepEqual(
    run.turns.map((turn) => [turn.calls.length, turn.attempts]),
    [2, 1, 0, 1, 0].map((count) => [count, 1]),
  );
  const ids = run.transcript.flatMap((message) =>
    message.role === 'assistant' ? (message.tool_calls ?? []).map(({ id }) => id) : [],
  );
  assert.equal(new Set(ids).size, places.length);
  for (const id of ids) assert.match(id, IDS[wire]);
  assert.deepEqual(
    run.transcript.flatMap((message) => (message.role === 'assistant' ? [message.content] : [])),
    ['Let me look.', null, 'Nobody is there.', null, 'Nobody is there, either.'],
  );
  return run;
}

type Requests = Bench['model']['requests'];

/** What the wire of an agent has refused, in order. */
function refusalsOf(requests: Requests, { name }: { readonly name: string }): readonly string[] {
  return requests.flatMap(({ body, error }) => (isFor(name, body) && error !== null ? [error] : []));
}

function bodiesOf(
  requests: Requests,
  { name }: { readonly name: string },
): readonly Readonly<Record<string, unknown>>[] {
  return requests.flatMap(({ body }) => (isFor(name, body) ? [body] : []));
}

function isFor(name: string, body: unknown): body is Readonly<Record<string, unknown>> {
  return (body as { readonly model?: unknown }).model === offlineModel(name);
}

const matches = (texts: readonly string[], patterns: readonly RegExp[]) => {
  assert.equal(texts.length, patterns.length, texts.join('\n'));
  for (const [i, pattern] of patterns.entries()) assert.match(texts[i]!, pattern);
};

endToEnd('the wire of', (bench) => {
  const { azure: _, ...own } = IDS;
  for (const wire of Object.keys(own) as Exclude<WireName, 'azure'>[]) {
    const agent = bench.agent({ ...TOUR_OPTIONS, wire, script: TOUR });
    test(`${wire} brings several calls, and takes them back`, async () => {
      const run = await checkTour(bench, agent, wire);
      assert.deepEqual(refusalsOf(bench.model.requests, agent), []);
      assert.equal(run.usage.inputTokens > 0, wire !== 'ollama');
      const thoughtsIn = THOUGHTS[wire];
      const { messages } = bodiesOf(bench.model.requests, agent).at(-1)! as { messages: readonly Said[] };
      const answers = messages.filter(({ role }) => role === 'assistant');
      assert.equal(answers.length, TOUR.length - 1);
      // Each is one block again, with its signature.
      if (thoughtsIn) for (const answer of answers) assert.deepEqual(thoughtsIn(answer), thoughtsIn(answers[0]!));
      if (thoughtsIn) assert.match(JSON.stringify(thoughtsIn(answers[0]!)), SIGNED[wire] ?? /^$/);
    });
  }

  for (const wire of ['openai', 'openrouter', 'vllm', 'lmstudio', 'ollama', 'litellm'] as const) {
    const agent = bench.agent({ ...TOUR_OPTIONS, api: 'responses', wire, script: TOUR });
    test(`${wire} brings several calls through the Responses API, and takes them back`, async () => {
      await checkTour(bench, agent, wire);
      assert.deepEqual(refusalsOf(bench.model.requests, agent), []);
    });
  }

  const lost = bench.agent({ api: 'responses', wire: 'mistral', script: ['Here.'] });
  test('mistral has no Responses API, and says so', async () => {
    const { result } = await bench.run(lost);
    assert.equal(result.status, 'model_failed');
    assert.match(result.reason ?? '', /404 The provider of this wire has no Responses API.*openai, openrouter, vllm/);
  });

  for (const api of ['chat', 'responses'] as const) {
    const usage = { inputTokens: 20, outputTokens: 9, reasoningTokens: 4 };
    const turns = [...places, ...places];
    const counting = bench.agent({
      api,
      tools: [look],
      maxHistoryEvents: 30,
      script: ({ turn }) =>
        turn <= turns.length ? { calls: looks((turn - 1) % places.length), usage } : { text: 'Done.', usage },
    });
    test(`the tokens of reasoning are counted (${api})`, async () => {
      const handle = await bench.holdfast.start(counting.name, 'Look around.');
      const { run, result } = await bench.finished(handle.workflowId);
      assert.ok((await handle.histories()).length > 1, 'it has continued as new');
      assert.equal(result.usage.reasoningTokens, 4 * (turns.length + 1));
      assert.deepEqual(run.usage, result.usage);
      assert.equal(run.turns.at(-1)?.usage.reasoningTokens, 4);
    });
  }

  // A transcript that another model began, with no signatures and no reasoning.
  const foreign: readonly [WireName, readonly RegExp[]][] = [
    ['gemini', [/missing a thought_signature/]],
    ['deepseek', [/reasoning_content.*must be passed back/]],
    ['mistral', [/must be a-z, A-Z, 0-9, with a length of 9/]],
    ['openai', []],
    ['anthropic', []],
  ];
  // With the reasoning of one, too: both are at the same address, as behind a gateway.
  const fromThinker: readonly [WireName, readonly RegExp[]][] = [
    ['gemini', [/Unknown name "reasoning_content"/, /missing a thought_signature/]],
    ['mistral', [/Extra inputs are not permitted/, /must be a-z, A-Z, 0-9, with a length of 9/]],
    ['openai', [/Unknown parameter: 'messages\[2\]\.reasoning_content'/]],
    ['deepseek', []],
  ];
  // With parts of its content.
  const fromParts: readonly [WireName, readonly RegExp[]][] = [
    ['openai', [/Invalid value: 'thinking'\. Supported values are: 'text' and 'refusal'/]],
  ];
  for (const [from, targets] of [
    ['vllm', foreign],
    ['deepseek', fromThinker],
    ['mistral', fromParts],
  ] as const)
    for (const [wire, refusals] of targets) {
      const target = bench.agent({
        wire,
        tools: [look],
        script: ({ turn, input }) => (turn < 5 ? { calls: looks(turn - 1) } : `${input} Done.`),
      });
      const source = bench.agent({
        wire: from,
        tools: [look, handoff(target, { description: 'For the rest.' })],
        script: [{ calls: looks(0, 1) }, { calls: [{ tool: `hand_off_to_${target.name}` }] }],
      });
      test(`${wire} takes over what ${from} began`, async () => {
        for (let i = 0; i < 2; i++) {
          const { result } = await bench.run(source);
          assert.deepEqual(
            { status: result.status, output: result.output, failed: result.failedCalls },
            { status: 'completed', output: 'Go. Done.', failed: 0 },
            result.reason ?? '',
          );
        }
        // Learned once, for both runs.
        matches(refusalsOf(bench.model.requests, target), refusals);
        const { messages } = bodiesOf(bench.model.requests, target).at(-1)!;
        if (wire === 'gemini') assert.match(JSON.stringify(messages), /"sig-\w+"/, 'its own signatures still go back');
      });
    }

  const waits = counter();
  const steered = gate();
  const wait = defineTool({
    name: 'wait',
    description: 'Waits.',
    input: z.object({}),
    effect: 'read',
    async run() {
      waits.add();
      await steered.opened;
      return 'waited';
    },
  });
  const french = bench.agent({
    wire: 'mistral',
    tools: [wait],
    maxOutputTokens: 500,
    script: ({ turn, input }) => (turn === 1 ? { calls: [{ tool: 'wait' }] } : `I heard: ${input}`),
  });
  test('mistral takes a steer during a tool, and a limit of output', async () => {
    const handle = await bench.holdfast.start(french.name, 'Wait.');
    await waits.until(1);
    await handle.steer('Faster.');
    steered.open();
    const { result } = await bench.finished(handle.workflowId);
    assert.deepEqual([result.status, result.output], ['completed', 'I heard: Faster.']);
    matches(refusalsOf(bench.model.requests, french), [/Extra inputs/, /Unexpected role 'user' after role 'tool'/]);
    const [, second, , last] = bodiesOf(bench.model.requests, french);
    assert.deepEqual([second!['max_tokens'], last!['max_tokens']], [500, 500]);
  });

  const cut = bench.agent({
    wire: 'vllm',
    tools: [look],
    maxOutputTokens: 20,
    script: ({ turn, results }) =>
      turn === 1
        ? { calls: [...looks(0), { tool: 'look', arguments: '{"at": "the ' }], finishReason: 'length' }
        : JSON.stringify(results),
  });
  test('vllm is not taken at its word for an answer that was cut off', async () => {
    const { result, run } = await bench.run(cut);
    assert.equal(result.status, 'completed');
    const texts = run.turns[0]!.calls.map(({ kind, text }) => ({ kind, text }));
    assert.equal(texts.length, 2);
    for (const { kind, text } of texts) {
      assert.equal(kind, 'invalid_arguments');
      assert.match(text!, /output limit/);
    }
  });

  const named = bench.agent({
    wire: 'vllm',
    tools: [look],
    toolChoice: { type: 'function', function: { name: 'look' } },
    script: [{ calls: looks(0) }, 'Done.'],
  });
  test('vllm ends with "stop" what a named tool is called in', async () => {
    const { result, run } = await bench.run(named);
    assert.deepEqual([result.status, run.turns[0]!.calls[0]!.text], ['completed', `seen ${places[0]}`]);
  });

  const errors: readonly [string, Script, { readonly status: string; readonly requests: number }][] = [
    ['402', () => ({ fault: 'errorInStream', status: 402 }), { status: 'model_failed', requests: 1 }],
    ['403', () => ({ fault: 'errorInStream', status: 403 }), { status: 'model_failed', requests: 1 }],
    ['502', again({ fault: 'errorInStream', status: 502 }), { status: 'completed', requests: 2 }],
    ['no words', again({ text: 'Half of', finishReason: 'error' }), { status: 'completed', requests: 2 }],
    ['an abort', again({ text: 'Half of', finishReason: 'abort' }), { status: 'completed', requests: 2 }],
  ];
  for (const [what, script, expected] of errors) {
    const agent = bench.agent({ wire: 'openrouter', script });
    test(`openrouter ends a stream with an error: ${what}`, async () => {
      const { result } = await bench.run(agent);
      assert.deepEqual(
        { status: result.status, requests: bench.model.countRequests(agent.name) },
        expected,
        result.reason ?? '',
      );
    });
  }

  const shape = Object.fromEntries(
    Array.from({ length: 60 }, (_, i) => [`field${i}`, z.string().describe(`What the form says in field ${i} of it.`)]),
  );
  const value = Object.fromEntries(Object.keys(shape).map((name) => [name, 'x']));
  const outputs: readonly [WireName, readonly RegExp[], (format: ScriptedRequest['format']) => boolean][] = [
    ['anthropic', [/grammar is too large/], (format) => format?.strict === false],
    ['litellm', [/grammar is too large/], (format) => format?.strict === false],
    ['deepseek', [/response_format type is unavailable/], (format) => format === null],
    ['openai', [], (format) => format?.strict === true],
  ];
  for (const [wire, refusals, isTaken] of outputs) {
    const formats: ScriptedRequest['format'][] = [];
    const agent = bench.agent({
      wire,
      output: z.object(shape),
      script({ format }) {
        formats.push(format);
        return { value };
      },
    });
    test(`${wire} is asked for output of a large schema in the form that it takes`, async () => {
      for (let i = 0; i < 2; i++) assert.deepEqual((await bench.run(agent)).result.value, value);
      matches(refusalsOf(bench.model.requests, agent), refusals);
      assert.equal(formats.length, 2);
      assert.ok(formats.every(isTaken));
    });
  }

  const thinker = bench.agent({
    wire: 'openai',
    tools: [look],
    temperature: 0.2,
    parallelToolCalls: false,
    maxOutputTokens: 500,
    body: { reasoning_effort: 'low', verbosity: 'low', service_tier: 'flex', prompt_cache_key: 'wires' },
    script: [{ calls: looks(0) }, { refusal: 'I would rather not.' }],
  });
  test('openai refuses what its models do not take, and declines to answer', async () => {
    const { result } = await bench.run(thinker);
    assert.deepEqual([result.status, result.output], ['refused', 'I would rather not.']);
    matches(refusalsOf(bench.model.requests, thinker), [/'temperature' does not support/, /'parallel_tool_calls'/]);
    const { model, messages, tools, stream, stream_options, ...rest } = bodiesOf(bench.model.requests, thinker).at(-1)!;
    assert.deepEqual(rest, { ...thinker.body, max_completion_tokens: 500 });
  });
});

function again(first: Extract<Awaited<ReturnType<Extract<Script, (...args: never) => unknown>>>, object>): Script {
  return ({ attempt }) => (attempt === 1 ? first : 'Done.');
}

const azure = await startScriptedModel({
  wire: 'azure',
  scripts: {
    tour: TOUR,
    filtered: [
      {
        fault: 'status',
        status: 400,
        body: {
          error: { code: 'content_filter', message: 'The response was filtered.', param: 'prompt', status: 400 },
        },
      },
    ],
  },
});
after(() => azure.close());

endToEnd(
  'the wire of azure',
  (bench) => {
    const tour = bench.agent({ ...TOUR_OPTIONS, name: 'tour', script: [] });
    test('brings several calls, at the address of a deployment', async () => {
      await checkTour(bench, tour, 'azure');
      assert.deepEqual(refusalsOf(azure.requests, tour), []);
    });

    const filtered = bench.agent({ name: 'filtered', script: [] });
    test('declines to answer with an error', async () => {
      const { result } = await bench.run(filtered);
      assert.equal(result.status, 'refused');
    });
  },
  { model: { apiKey: 'key', baseURL: azure.baseURL } },
);
