// A workflow of the user runs an agent as a child, with createWorker({ agents, workflowsPath }).
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { endToEnd } from '../../support/bench.ts';
import { stackAgent } from '../../support/stackAgent.ts';

const workflowsPath = fileURLToPath(new URL('../../support/userWorkflows.ts', import.meta.url));

endToEnd(
  'a workflow of the user',
  (bench) => {
    const greeter = bench.agent({ name: 'greeter', script: ({ input }) => `Hello, ${input}.` });
    const run = (type: string, args: unknown[]) =>
      bench.holdfast.client.workflow.execute(type, {
        taskQueue: bench.holdfast.taskQueue,
        workflowId: `own-${randomUUID()}`,
        args,
      });

    test('runs agents as children, and uses their results', async () => {
      assert.deepEqual(await run('greetBoth', ['Ada', 'Grace', bench.holdfast.taskQueue]), [
        'Hello, Ada.',
        'Hello, Grace.',
      ]);
    });

    test('learns how an agent ended that did not complete', async () => {
      assert.equal(await run('statusOf', [greeter.name, bench.holdfast.taskQueue]), 'completed');
      assert.equal(await run('statusOf', ['nobody', bench.holdfast.taskQueue]), 'model_failed');
    });

    test('is served beside the agent workflow', async () => {
      assert.equal((await bench.run(greeter, 'you')).result.output, 'Hello, you.');
    });

    const withStack = stackAgent(bench);
    test('makes its worker collect the stacks of workflow code', async () => {
      assert.match((await bench.run(withStack)).result.output ?? '', /runBatch\.ts:\d+/);
    });
  },
  { onServer: true, workflowsPath },
);
