// A workflow of the user runs an agent as a child, with createWorker({ agents, workflowsPath }).
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { asTool } from '../../../activities/index.ts';
import { endToEnd } from '../../support/bench.ts';
import { stackAgent } from '../../support/stackAgent.ts';
import { eventually } from '../../support/waits.ts';

const workflowsPath = fileURLToPath(new URL('../../support/userWorkflows.ts', import.meta.url));

endToEnd(
  'a workflow of the user',
  (bench) => {
    const greeter = bench.agent({ name: 'greeter', script: ({ input }) => `Hello, ${input}.` });
    const asker = bench.agent({
      name: 'asker',
      tools: [asTool(greeter, { description: 'Greets.' })],
      script: ({ turn }) => (turn === 1 ? { calls: [{ tool: 'greeter', arguments: { input: 'you' } }] } : 'Done.'),
    });
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

    test('runs agents on its own task queue', async () => {
      assert.equal(await run('labelled', [greeter.name, `queue-${bench.mode}`]), 'completed');
      const { raw } = await bench.holdfast.get(`queue-${bench.mode}`).describe();
      assert.equal(raw.executionConfig?.taskQueue?.name, bench.taskQueue);
      assert.notEqual(bench.taskQueue, 'holdfast');
    });

    test('gives runs labels, by which lists find them and their sub-agents, and who started them', async () => {
      const id = `labelled-${bench.mode}`;
      assert.equal(await run('labelled', [asker.name, id]), 'completed');
      const started = await bench.holdfast.get(id).read();
      assert.deepEqual([started.labels, started.startedBy], [{ tenant: 'Acme', case: '7' }, 'ann']);
      const labels = { tenant: 'Acme', case: '7' };
      const ids = await eventually(async () => {
        const found = (await bench.holdfast.list({ labels, limit: 100 })).map(({ workflowId }) => workflowId);
        return found.includes(id) && found.includes(`${id}.1.0`) && found;
      });
      assert.ok(ids.every((found) => !found.startsWith('own-')));
      assert.equal((await bench.holdfast.get(`${id}.1.0`).read()).startedBy, 'ann');
    });

    test('cancels a run that is not its own, and learns that there is none', async () => {
      const session = await bench.holdfast.start(greeter.name, '', { session: true });
      assert.equal(await run('cancelOther', [session.workflowId]), 'cancelled');
      assert.equal((await bench.finished(session.workflowId)).result.status, 'cancelled');
      assert.equal(await run('cancelOther', [session.workflowId]), 'cancelled', 'over as it is');
      assert.match(String(await run('cancelOther', [`none-${randomUUID()}`])), /^\w+: .*not found/i);
    });

    test('runs an agent again under the id of a run that is over', async () => {
      const id = `again-${bench.mode}`;
      for (let time = 1; time <= 2; time += 1) assert.equal(await run('labelled', [greeter.name, id]), 'completed');
    });

    test('fails, and does not wait for ever, for labels that are none', async () => {
      await assert.rejects(run('badlyLabelled', [greeter.name]), (error: Error) => {
        assert.match(
          String((error.cause as Error).message),
          /runAgent\("greeter"\): labels\.tenant must have 1 to 128/,
        );
        return true;
      });
    });

    const withStack = stackAgent(bench);
    test('makes its worker collect the stacks of workflow code', async () => {
      assert.match((await bench.run(withStack)).result.output ?? '', /runBatch\.ts:\d+/);
    });
  },
  { workflowsPath },
);
