// Calls are reported correctly as run or not run: with presenters that throw, runs that end meanwhile, and busy workers.
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { z } from 'zod';
import { defineTool, type Tool } from '../../../activities/index.ts';
import type { ScriptedFault } from '../../../activities/testing/index.ts';
import { toolCalls } from '../../../core/read/run.ts';
import { endToEnd } from '../../support/bench.ts';

const input = z.object({});
const never = () => new Promise(() => {});

endToEnd('edge cases of a call', (bench) => {
  let paid = 0;
  const pay = defineTool({
    name: 'pay',
    description: 'Pays.',
    input,
    effect: 'once',
    run: () => ({ paid: ++paid }),
    present: () => {
      throw new Error('boom');
    },
  });
  const payer = bench.agent({ tools: [pay], script: [{ calls: [{ tool: 'pay' }] }, 'Paid.'] });
  test('does not fail because of its presenter', async () => {
    const { run } = await bench.run(payer);
    assert.deepEqual(
      toolCalls(run).map(({ ok, text }) => [ok, text]),
      [[true, '{"paid":1}\n[unformatted, since the presenter failed: boom]']],
    );
  });

  const boast = defineTool({
    name: 'boast',
    description: 'Says much of itself.',
    input,
    effect: 'read',
    async run(_, ctx) {
      ctx.progress('x'.repeat(3_000_000));
      // Long enough for a heartbeat to report it.
      await new Promise((resolve) => setTimeout(resolve, 400));
      return 'done';
    },
  });
  const boaster = bench.agent({ tools: [boast], script: [{ calls: [{ tool: 'boast' }] }, 'Done.'] });
  test('does not fail because of progress that is too long', async () => {
    const { run } = await bench.run(boaster);
    assert.equal(toolCalls(run)[0]?.text, 'done');
  });

  const started = Promise.withResolvers<void>();
  const send = defineTool({
    name: 'send',
    description: 'Sends.',
    input,
    effect: 'once',
    run() {
      started.resolve();
      return never();
    },
  });
  const sender = bench.agent({ tools: [send], script: [{ calls: [{ tool: 'send' }] }] });
  test('is not reported as never started if its run was terminated', async () => {
    const run = await bench.holdfast.start(sender.name, 'Go.', { id: `terminated-${randomUUID()}` });
    await started.promise;
    await bench.holdfast.client.workflow.getHandle(run.workflowId).terminate('enough');
    const read = await run.read();
    assert.deepEqual({ status: read.status, reason: read.reason }, { status: 'terminated', reason: 'enough' });
    assert.equal(toolCalls(read)[0]?.kind, 'outcome_unknown');
  });

  let ran = 0;
  const plain = defineTool({
    name: 'narrow',
    description: 'One at a time.',
    input,
    effect: 'once',
    timeout: '2 s',
    workerParallel: 1,
    run() {
      ran += 1;
      return never();
    },
  });
  // A tool is data; no author would wait so short a time.
  const narrow: Tool = { ...plain, policy: { ...plain.policy, waitMs: 500 } };
  const crowd = bench.agent({
    tools: [narrow],
    script: [{ calls: [{ tool: 'narrow' }, { tool: 'narrow' }] }, 'Done.'],
  });
  test('reports that it did not run if the worker stays busy', async () => {
    const { run } = await bench.run(crowd);
    const told = toolCalls(run)
      .map(({ kind, text }) => `${kind}: ${text}`)
      .sort();
    assert.equal(ran, 1);
    assert.match(told[0]!, /^failed: .*did not run: the worker was busy with other calls for/);
    assert.match(told[1]!, /^outcome_unknown: .*timed out after 2 seconds/);
  });

  const heavy = defineTool({
    name: 'heavy',
    description: 'Gives much.',
    input,
    effect: 'read',
    // Nothing makes much less of it.
    run: () => randomBytes(48_000).toString('base64'),
  });
  const calls = Array.from({ length: 60 }, () => ({ tool: 'heavy' }));
  const hoarder = bench.agent({ tools: [heavy], script: [{ calls }, { calls }, 'Done.'] });
  // Reading it is the point; replaying megabytes for each result would take a minute.
  if (bench.cached)
    test('is read from a history of more than 4 MiB', async () => {
      const { run } = await bench.run(hoarder);
      assert.equal(toolCalls(run).filter(({ text }) => text?.length === 64_000).length, 120);
      assert.ok(((await bench.holdfast.get(run.workflowId).describe()).historySize ?? 0) > 4 * 1024 * 1024);
    });
});

endToEnd('edge cases of a model call', (bench) => {
  const faulty = (fault: ScriptedFault) =>
    bench.agent({ script: [({ attempt }) => (attempt === 1 ? fault : 'Done.')] });
  const told: readonly (readonly [ReturnType<typeof faulty>, RegExp])[] = [
    [faulty({ fault: 'errorInStream', text: 'Half' }), /The model call failed: .+/],
    [faulty({ fault: 'reset', text: 'Half of it' }), /The model call failed: .*terminated/],
  ];
  test('reports why it broke off, and not only an abort', async () => {
    for (const [agent, why] of told) {
      const { history } = await bench.run(agent);
      const again = (history.events ?? [])
        .map((event) => event.activityTaskStartedEventAttributes)
        .find((started) => started?.attempt === 2);
      const { message } = (again as { lastFailure?: { message?: string } }).lastFailure ?? {};
      assert.match(message ?? '', why);
      assert.doesNotMatch(message ?? '', /aborted/);
    }
  });

  const asked = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const failing = bench.agent({
    script: async () => {
      asked.resolve();
      await release.promise;
      return { fault: 'status', status: 500 };
    },
  });
  test('leaves a cancelled run cancelled if it fails afterwards', async () => {
    const run = await bench.holdfast.start(failing.name, 'Go.');
    await asked.promise;
    await run.cancel();
    release.resolve();
    assert.equal((await run.result()).status, 'cancelled');
    assert.equal((await run.describe()).status.name, 'CANCELLED');
  });
});
