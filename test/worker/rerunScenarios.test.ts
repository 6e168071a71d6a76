// A recorded run of an agent that did not change comes out as before, whatever the model, the tools and people did in it; and nothing happens.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { z } from 'zod';
import { type Agent, defineAgent, defineTool, ToolError } from '../../activities/index.ts';
import type { Script } from '../../activities/testing/index.ts';
import {
  type AgentTest,
  playRecording,
  type Recording,
  recordingOf,
  rerun,
  type TestRun,
  testAgent,
} from '../../worker/testing/index.ts';
import { quietLogs } from '../support/quiet.ts';

quietLogs();

const happened: string[] = [];
let begun = Promise.withResolvers<void>();

const tool = (
  name: string,
  options: { readonly run?: (signal: AbortSignal) => unknown; readonly effect?: 'once' } = {},
) =>
  defineTool({
    name,
    description: name,
    input: z.object({ n: z.number() }),
    effect: options.effect ?? 'read',
    run: ({ n }, { signal }) => {
      happened.push(name);
      return options.run ? options.run(signal) : `${name} ${n}`;
    },
  });

/** Says that it runs, and ends when it is cancelled. */
const slow = tool('slow', {
  effect: 'once',
  run: (signal) =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(new Error('aborted')));
      begun.resolve();
    }),
});

const agentWith = (options: object = {}): Agent =>
  defineAgent({
    name: 'a',
    model: 'gpt-5',
    instructions: 'Do.',
    whenAllToolsFail: 'continue',
    tools: [tool('step'), tool('ask', { effect: 'once' }), slow],
    approvals: { ask: 'always' },
    ...options,
  } as never);

const call = (name: string, n = 1) => ({ tool: name, arguments: { n } });
const heard: Script = ({ turn, messages }) =>
  turn === 1
    ? { calls: [call('ask')] }
    : `Heard: ${messages.flatMap(({ role, content }) => (role === 'user' ? [content] : [])).join('; ')}`;
const heardSlow: Script = (request) =>
  request.turn === 1 ? { calls: [call('slow'), call('step')] } : (heard as (one: typeof request) => string)(request);
const steps =
  (turns: number): Script =>
  ({ turn }) =>
    turn <= turns ? { calls: [call('step', turn)] } : 'Done.';

type Do = (lab: AgentTest, run: TestRun) => Promise<unknown>;
interface Scenario {
  readonly agent?: object;
  readonly script: Script;
  readonly do?: Do;
  readonly start?: object;
  readonly input?: string;
  readonly status: string;
}

const ASKING = [{ calls: [call('ask'), call('step')] }, 'Done.'] as const;
const PICTURE = [{ kind: 'image', url: 'https://example.com/a.png' }] as const;

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'an answer that is cut off': { script: [{ text: 'half an', finishReason: 'length' }], status: 'model_failed' },
  'calls that are cut off': {
    script: [{ calls: [call('step')], finishReason: 'length' }, { calls: [call('step')] }, 'Done.'],
    status: 'completed',
  },
  'a refusal': { script: [{ refusal: 'I will not.' }], status: 'refused' },
  'a withheld answer': { script: [{ text: 'ab', finishReason: 'content_filter' }], status: 'refused' },
  'a model that fails': {
    script: [{ calls: [call('step')] }, { fault: 'status', status: 400 }],
    status: 'model_failed',
  },
  'an empty answer': { script: [{ text: '' }], status: 'model_failed' },
  'a request that is too long': {
    agent: { maxTurns: 50 },
    script: (request) =>
      JSON.stringify(request.messages).length > 1_200
        ? {
            fault: 'status',
            status: 400,
            body: { error: { message: 'The maximum context length is 300 tokens.', code: 'context_length_exceeded' } },
          }
        : (steps(8) as (one: typeof request) => string)(request),
    status: 'completed',
  },
  'a tool that fails': {
    agent: { approvals: {}, tools: [tool('bad', { run: () => Promise.reject(new ToolError('no')) })] },
    script: [{ calls: [call('bad')] }, 'Done.'],
    status: 'completed',
  },
  'an approval that expires': {
    script: ASKING,
    do: (lab) => lab.advance('40 days'),
    status: 'completed',
  },
  'an approval, and one that expires': {
    script: [{ calls: [call('ask', 1), call('ask', 2)] }, 'Done.'],
    do: async (lab, run) => {
      await run.approve('1.1', { by: 'ann' });
      await lab.advance('40 days');
    },
    status: 'completed',
  },
  'an approval whose end ends the run': {
    agent: { whenApprovalExpires: 'end' },
    script: ASKING,
    do: (lab) => lab.advance('40 days'),
    status: 'stopped',
  },
  'a rejection': { script: ASKING, do: (_, run) => run.reject('1.0', { by: 'ann', why: 'no' }), status: 'completed' },
  'new arguments': { script: ASKING, do: (_, run) => run.edit('1.0', { n: 7 }, { by: 'ann' }), status: 'completed' },
  'a steer while it waits': {
    script: heard,
    do: async (_, run) => {
      await run.steer('Mind the gap.');
      await run.approve('1.0');
    },
    status: 'completed',
  },
  'a steer while a call runs': {
    script: heardSlow,
    do: async (_, run) => {
      await begun.promise;
      await run.steer('Mind the gap.');
      await run.cancelCall('1.0');
    },
    status: 'completed',
  },
  'an interrupt while it waits': {
    script: heard,
    do: (_, run) => run.interrupt('Other thing.', { attachments: [...PICTURE] }),
    status: 'completed',
  },
  'an interrupt while a call runs': {
    script: heardSlow,
    do: async (_, run) => {
      await begun.promise;
      await run.interrupt('Other thing.');
    },
    status: 'completed',
  },
  'a stop while it waits': { script: ASKING, do: (_, run) => run.stop({ by: 'ann' }), status: 'stopped' },
  'a stop while a call runs': {
    script: heardSlow,
    do: async (_, run) => {
      await begun.promise;
      await run.stop();
      await run.cancelCall('1.0');
    },
    status: 'stopped',
  },
  'a cancellation while it waits': { script: ASKING, do: (_, run) => run.cancel(), status: 'cancelled' },
  'a cancellation while a call runs': {
    script: heardSlow,
    do: async (_, run) => {
      await begun.promise;
      await run.cancel();
    },
    status: 'cancelled',
  },
  'a pause': {
    script: ASKING,
    do: async (_, run) => {
      await run.pause({ by: 'ann' });
      await run.approve('1.0');
      await run.resume();
    },
    status: 'completed',
  },
  'a raised budget': {
    agent: { maxTurns: 50, budget: { modelCalls: 3, atLimit: 'ask' } },
    script: steps(5),
    do: (_, run) => run.raise({ modelCalls: 20 }),
    status: 'completed',
  },
  'a run that waits': { script: ASKING, do: (_, run) => run.waiting(), status: 'running' },
  'a session': {
    script: ({ turn }) => `Answer ${turn}`,
    start: { session: true },
    do: async (_, run) => {
      await run.send('Two.', { attachments: [...PICTURE] });
      await run.waiting();
      await run.send('Three.');
      await run.waiting();
      await run.close();
    },
    status: 'completed',
  },
  'a session that begins with nothing, and that nobody closes': {
    input: '',
    script: ({ messages }) => `Answer to ${messages.at(-1)?.content}`,
    start: { session: true },
    do: async (lab, run) => {
      await run.send('One.');
      await run.waiting();
      await lab.advance('60 days');
    },
    status: 'completed',
  },
  'a session that is steered and interrupted': {
    script: ({ turn, messages }) => (turn === 1 ? { calls: [call('ask')] } : `Heard ${messages.length}`),
    start: { session: true },
    do: async (_, run) => {
      await run.steer('Mind the gap.');
      await run.interrupt('Other thing.');
      await run.waiting();
      await run.steer('More.');
      await run.waiting();
      await run.close();
    },
    status: 'completed',
  },
  'images beside the input': { script: ['Seen.'], start: { attachments: PICTURE }, status: 'completed' },
};

async function record(agent: Agent, { script, do: play, start, input = 'Go.' }: Scenario): Promise<Recording> {
  begun = Promise.withResolvers();
  await using lab = await testAgent(agent, { script });
  const run = await lab.start(input, start);
  // A call that runs does not let it rest.
  if (typeof script !== 'function' || script !== heardSlow) await run.waiting();
  await play?.(lab, run);
  await run.waiting();
  return JSON.parse(JSON.stringify(recordingOf(...(await run.histories()))));
}

describe('a rerun of the same agent comes out as before', () => {
  for (const [name, scenario] of Object.entries(SCENARIOS))
    test(name, async () => {
      const agent = agentWith(scenario.agent);
      const recording = await record(agent, scenario);
      assert.equal(recording.end.status, scenario.status);
      happened.length = 0;
      const [result] = await rerun([recording], { agents: [agent], model: 'recorded', parallel: 1 });
      const { ok, difference, stopped, before, after } = result!;
      assert.deepEqual(
        { ok, difference, stopped, happened },
        { ok: true, difference: null, stopped: null, happened: [] },
      );
      assert.deepEqual([after.turns, after.tokens, after.reason], [before.turns, before.tokens, before.reason]);
    });
});

test('sends each message in the turn in which it was taken', async () => {
  const agent = agentWith();
  for (const name of ['a steer while it waits', 'a steer while a call runs'] as const) {
    const recording = await record(agent, SCENARIOS[name]!);
    const { run } = await playRecording([agent], recording);
    assert.deepEqual(
      run.turns.map(({ userMessages }) => userMessages),
      [['Go.'], ['Mind the gap.']],
    );
  }
});

test('says which command the run does not accept any more', async () => {
  const recording = await record(agentWith(), SCENARIOS['a stop while a call runs']!);
  const commands = recording.commands!.map((one) =>
    one.command === 'cancelCall' ? { ...one, input: { call: '1.7' } } : one,
  );
  const [result] = await rerun([{ ...recording, commands }], {
    agents: [agentWith()],
    model: 'recorded',
    parallel: 1,
  });
  assert.equal(result?.ok, false);
  assert.partialDeepStrictEqual(result?.stopped, { kind: 'refused', command: 'cancelCall' });
});
