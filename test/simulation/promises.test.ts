// A turn makes promises in proportion to its calls: the SDK's promise hook makes each of them dear, so that a batch whose
// promises grew with the square of its calls would never end.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import v8 from 'node:v8';
import { MODEL_ACTIVITY } from '../../core/names.ts';
import type { ModelAnswer, ToolCall } from '../../core/types.ts';
import { payloadOf } from './commands.ts';
import { TOOLS } from './model.ts';
import { Random } from './random.ts';
import { createSandbox, type Sandbox } from './sandbox.ts';
import { ownCode } from './seeds.ts';
import { type PendingActivity, Server } from './server.ts';

const BATCHES = [4, 40, 400, 1_000];
const TURNS = 20;
/** The most by which a call's or a turn's promises may differ. */
const SPREAD_MAX = 1.1;
const BEGINNING_MS = Date.UTC(2026, 0, 1);
const USAGE = { inputTokens: 1, outputTokens: 1, cachedTokens: 0 };

/** Ends the calls that are open: each in a workflow task of its own, or all in one. */
type Ending = (server: Server) => Promise<void>;

const oneByOne: Ending = async (server) => {
  for (const activity of [...server.activities.values()]) {
    end(server, activity);
    await server.task();
  }
};

const together: Ending = async (server) => {
  for (const activity of [...server.activities.values()]) end(server, activity);
  await server.task();
};

const sandbox = createSandbox(await ownCode());

for (const [how, ending] of Object.entries({ 'one by one': oneByOne, 'in one task': together }))
  test(`makes a constant number of promises per call for calls that end ${how}`, async (t) => {
    const turn = await promisesOfTurn(sandbox, 1, ending);
    const perCall = new Map<number, number>();
    // What the turn itself takes is the same for all.
    for (const calls of BATCHES)
      perCall.set(calls, ((await promisesOfTurn(sandbox, calls, ending)) - turn) / (calls - 1));
    for (const [calls, promises] of perCall) t.diagnostic(`${calls} calls: ${promises.toFixed(1)} promises a call`);
    t.diagnostic(`a turn of one call: ${turn} promises`);
    const counts = [...perCall.values()];
    const spread = Math.max(...counts) / Math.min(...counts);
    assert.ok(spread <= SPREAD_MAX, `they differ by a factor of ${spread.toFixed(2)}`);
  });

test('makes a constant number of promises per turn', async (t) => {
  const server = begin(sandbox);
  const counts: number[] = [];
  try {
    await server.task();
    // The first also records the agent.
    await playTurn(server, 4, oneByOne);
    for (let turn = 2; turn <= TURNS; turn++) counts.push(await counted(() => playTurn(server, 4, oneByOne)));
  } finally {
    await server.close();
  }
  t.diagnostic(`a turn of 4 calls: ${counts[0]} promises at first, ${counts.at(-1)} at last`);
  const spread = Math.max(...counts) / Math.min(...counts);
  assert.ok(spread <= SPREAD_MAX, `they differ by a factor of ${spread.toFixed(2)}: ${counts.join(', ')}`);
});

/** From the model's answer to the next request to it. */
async function promisesOfTurn(sandbox: Sandbox, calls: number, ending: Ending): Promise<number> {
  const server = begin(sandbox);
  try {
    await server.task();
    return await counted(() => playTurn(server, calls, ending));
  } finally {
    await server.close();
  }
}

function begin(sandbox: Sandbox): Server {
  return new Server({
    sandbox,
    random: new Random(1),
    chances: { lost: 0, evicted: 0, suggests: 0 },
    listener: { taken() {}, asked() {} },
    workflowId: 'run',
    input: { agent: 'alpha', input: 'Go.' },
    parentId: null,
    parent: undefined,
    nowMs: BEGINNING_MS,
  });
}

async function playTurn(server: Server, calls: number, ending: Ending): Promise<void> {
  const [model] = server.activities.values();
  assert.equal(model?.type, MODEL_ACTIVITY, 'the model is asked');
  complete(server, model, answer(calls));
  await server.task();
  assert.equal(server.activities.size, calls, 'all calls are under way');
  await ending(server);
  assert.deepEqual(
    [...server.activities.values()].map(({ type }) => type),
    [MODEL_ACTIVITY],
    'the model is asked again, and nothing else is under way',
  );
}

/** Promises that are made in the sandbox: those of the test itself are of another realm. */
async function counted(play: () => Promise<void>): Promise<number> {
  let made = 0;
  const stop = v8.promiseHooks.createHook({
    init(promise) {
      if (!(promise instanceof Promise)) made += 1;
    },
  });
  try {
    await play();
  } finally {
    stop();
  }
  return made;
}

function answer(calls: number): ModelAnswer {
  const asked = Array.from({ length: calls }, (_, slot): ToolCall => {
    return { id: `call-${slot}`, type: 'function', function: { name: 'look', arguments: `{"n":${slot}}` } };
  });
  return {
    message: { role: 'assistant', content: null, tool_calls: asked },
    kind: 'calls',
    plan: asked.map((call) => ({ digest: call.id })),
    mark: { length: 2, digest: 'seen' },
    agent: {
      digest: 'alpha',
      instructions: 'You look.',
      rules: { maxTurns: 100, parallel: 1_000, whenAllToolsFail: 'tell', timeLimitMs: 86_400_000 },
      policies: TOOLS,
    },
    model: 'model',
    usage: USAGE,
  };
}

function end(server: Server, activity: PendingActivity): void {
  complete(server, activity, { text: 'done' });
}

function complete(server: Server, { seq }: PendingActivity, result: unknown): void {
  server.activities.delete(seq);
  server.waiting.push({ resolveActivity: { seq, result: { completed: { result: payloadOf(result) } } } });
}
