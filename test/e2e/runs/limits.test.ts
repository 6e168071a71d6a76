// A run ends at its limits, names the one it reached, and returns its results.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WorkflowFailedError } from '@temporalio/client';
import { z } from 'zod';
import { defineTool } from '../../../activities/index.ts';
import type { Script } from '../../../activities/testing/index.ts';
import { WORKFLOW_TYPE } from '../../../core/names.ts';
import { endToEnd } from '../../support/bench.ts';
import { golden, toolValues } from '../../support/toolTexts.ts';
import { tally } from '../../support/waits.ts';

endToEnd('limits', (bench) => {
  const effects = tally();
  const step = defineTool({
    name: 'step',
    description: 'Takes a step.',
    input: z.object({ of: z.string().default('') }),
    effect: 'once',
    run: ({ of }) => effects.add(of),
  });
  const hang = defineTool({
    name: 'hang',
    description: 'Hangs, deaf to everything.',
    input: z.object({}),
    effect: 'read',
    run: () => new Promise(() => {}),
  });

  const endless: Script = ({ turn }) => ({ text: `Turn ${turn}.`, calls: [{ tool: 'step' }] });
  const usual = bench.agent({ tools: [step], script: endless });
  const short = bench.agent({ tools: [step], script: endless, maxTurns: 3 });
  test("end a run after ten turns, or the agent's or the start's number", async () => {
    const runs = [
      { agent: usual, options: golden(bench.cached, 'max-turns'), turns: 10 },
      { agent: short, options: {}, turns: 3 },
      { agent: short, options: { maxTurns: 5 }, turns: 5 },
      { agent: usual, options: { maxTurns: 1 }, turns: 1 },
    ];
    for (const { agent, options, turns } of runs) {
      const { result } = await bench.run(agent, 'Go.', options);
      assert.deepEqual(
        { status: result.status, turns: result.turns, calls: result.calls, output: result.output },
        { status: 'max_turns', turns, calls: turns, output: `Turn ${turns}.` },
      );
      assert.match(result.reason ?? '', new RegExp(`^The run reached its limit of ${turns} turns?\\.$`));
      assert.equal(result.transcriptLength, 1 + 2 * turns);
    }
  });

  const timed = bench.agent({
    tools: [hang],
    timeLimit: '2 s',
    script: [{ text: 'Waiting.', calls: [{ tool: 'hang' }, { tool: 'hang' }] }],
  });
  test('end a run in time although a tool ignores its signal', async () => {
    const { result, run } = await bench.run(timed, 'Go.', { parallel: 1, ...golden(bench.cached, 'time-limit') });
    assert.deepEqual({ status: result.status, output: result.output }, { status: 'time_limit', output: 'Waiting.' });
    assert.equal(result.reason, 'The run took longer than its limit of 2 seconds.');
    assert.deepEqual(toolValues(run), [
      { error: 'cancelled', tool: 'hang', kind: 'cancelled' },
      { error: 'cancelled before it started', tool: 'hang', kind: 'cancelled' },
    ]);
  });

  const slowModel = bench.agent({
    timeLimit: '1 s',
    tools: [step],
    script: [{ calls: [{ tool: 'step' }] }, { fault: 'hang' }],
  });
  test('end a run in time although the model sends nothing', async () => {
    const { result } = await bench.run(slowModel);
    assert.deepEqual(
      { status: result.status, turns: result.turns, calls: result.calls },
      { status: 'time_limit', turns: 2, calls: 1 },
    );
  });

  const cutText = bench.agent({ script: [{ text: 'Half an ans', finishReason: 'length' }] });
  test('end a run whose text was cut off, with its results', async () => {
    const { result } = await bench.run(cutText);
    assert.deepEqual(
      { status: result.status, output: result.output },
      { status: 'model_failed', output: 'Half an ans' },
    );
    assert.match(result.reason ?? '', /output limit.*maxOutputTokens/);
  });

  const cutCalls = (of: string, turns: number) =>
    bench.agent({
      tools: [step],
      script: ({ turn }) =>
        turn <= turns
          ? {
              calls: [
                { tool: 'step', arguments: { of } },
                { tool: 'step', arguments: '{"of":"' },
              ],
              finishReason: 'length',
            }
          : 'Done.',
    });
  const alwaysCut = cutCalls('always', 99);
  const cutTwice = cutCalls('twice', 2);
  test('never run calls that were cut off, and end after two repairs', async () => {
    const twice = await bench.run(cutTwice, 'Go.', golden(bench.cached, 'truncated-calls'));
    assert.deepEqual({ status: twice.result.status, turns: twice.result.turns }, { status: 'completed', turns: 3 });
    for (const told of toolValues(twice.run))
      assert.match((told as { error: string }).error, /^not run: the answer was cut off/);
    const { result } = await bench.run(alwaysCut);
    assert.deepEqual(
      { status: result.status, turns: result.turns, failedCalls: result.failedCalls },
      { status: 'model_failed', turns: 3, failedCalls: 6 },
    );
    assert.deepEqual({ always: effects.of('always'), twice: effects.of('twice') }, { always: 0, twice: 0 });
  });

  const call = { tool: 'step', arguments: { of: 'refused' } };
  const refusals = [
    bench.agent({ tools: [step], script: [{ refusal: 'I would rather not.' }] }),
    bench.agent({ tools: [step], script: [{ text: 'Well', calls: [call], finishReason: 'content_filter' }] }),
    bench.agent({ tools: [step], script: [{ finishReason: 'content_filter' }] }),
    bench.agent({
      script: [
        {
          fault: 'status',
          status: 400,
          body: { error: { message: 'Filtered.', code: 'content_filter', param: null, type: 'x' } },
        },
      ],
    }),
  ];
  test('end a run as refused after a refusal or content filter', async () => {
    const outputs = ['I would rather not.', 'Well', 'The provider withheld the answer.', null];
    for (const [i, agent] of refusals.entries()) {
      const { result } = await bench.run(agent, 'Go.', i === 0 ? golden(bench.cached, 'refused') : {});
      assert.deepEqual(
        { status: result.status, output: result.output, calls: result.calls },
        { status: 'refused', output: outputs[i], calls: 0 },
      );
    }
    assert.equal(effects.of('refused'), 0);
  });

  const inputs: [unknown[], RegExp][] = [
    [[], /must be an object, not undefined/],
    [['clinic'], /must be an object, not "clinic"/],
    [[null], /must be an object, not null/],
    [[{ input: 'x' }], /agent must be a string, not undefined/],
    [[{ agent: 'a', input: 7 }], /input must be a string, not 7/],
    [[{ agent: 'a', input: 'x', maxTurns: 0 }], /maxTurns must be a whole number of at least 1/],
    [[{ agent: 'a', input: 'x', parallel: 1.5 }], /parallel must be a whole number of at least 1/],
    [[{ agent: 'a', input: 'x', maxTurns: '9' }], /maxTurns must be/],
  ];
  test('fail a workflow with invalid input at once, with an example', async () => {
    const { client, taskQueue } = bench.holdfast;
    for (const [args, says] of inputs) {
      const workflowId = crypto.randomUUID();
      const handle = await client.workflow.start(WORKFLOW_TYPE, { args, taskQueue, workflowId });
      await assert.rejects(handle.result(), (error: unknown) => {
        assert.ok(error instanceof WorkflowFailedError);
        assert.match(error.cause?.message ?? '', says);
        assert.match(error.cause?.message ?? '', /Start an agent with \{"agent":/);
        return true;
      });
      assert.equal((await bench.holdfast.get(workflowId).read()).status, 'failed');
    }
  });
});
