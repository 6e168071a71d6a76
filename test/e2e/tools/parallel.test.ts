// The calls of a turn run in parallel within three limits: of the turn, of the tool in a turn, of the tool in a process.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { defineTool } from '../../../activities/index.ts';
import { toolCalls } from '../../../core/read/run.ts';
import { endToEnd } from '../../support/bench.ts';
import { golden, toolValues } from '../../support/toolTexts.ts';
import { counter, eventually, gate } from '../../support/waits.ts';

/** A tool whose calls wait for their gates; it counts who started, and how many ran at once at most. */
function gated(name: string, size: number, limits: { maxParallel?: number; workerParallel?: number } = {}) {
  const gates = Array.from({ length: size }, gate);
  const started = counter();
  const ended = counter();
  const order: number[] = [];
  let most = 0;
  const tool = defineTool({
    name,
    description: 'Waits.',
    input: z.object({ n: z.number() }),
    effect: 'read',
    ...limits,
    run: async ({ n }) => {
      order.push(n);
      started.add();
      most = Math.max(most, started.value - ended.value);
      await gates[n]!.opened;
      ended.add();
      return n;
    },
  });
  const calls = gates.map((_, n) => ({ tool: name, arguments: { n } }));
  return {
    tool,
    calls,
    gates,
    started,
    ended,
    order,
    openAll: () => gates.forEach((one) => void one.open()),
    most: () => most,
  };
}

const numbers = (n: number) => Array.from({ length: n }, (_, i) => i);

endToEnd('parallel calls', (bench) => {
  const start = async (agent: { name: string }) => bench.holdfast.start(agent.name, 'Go.');

  const ten = gated('ten', 10);
  const tenCalls = bench.agent({ tools: [ten.tool], script: [{ calls: ten.calls }, 'Done.'] });
  test('start five of ten at once, and the others as those end', async () => {
    const handle = await start(tenCalls);
    await ten.started.until(5);
    const scheduled = async () => toolCalls(await handle.read()).filter((call) => call.scheduledAtMs !== null);
    assert.equal((await scheduled()).length, 5);
    for (const n of [3, 1, 4, 0]) {
      const before = ten.started.value;
      ten.gates[n]!.open();
      await ten.started.until(before + 1);
      assert.equal((await scheduled()).length, before + 1);
    }
    ten.openAll();
    const { run } = await bench.finished(handle.workflowId);
    assert.equal(ten.most(), 5);
    assert.deepEqual(
      ten.order.toSorted((a, b) => a - b),
      numbers(10),
    );
    assert.deepEqual(toolValues(run), numbers(10));
  });

  const slow = gated('slow', 3, { maxParallel: 1 });
  const quick = gated('quick', 4);
  quick.openAll();
  const mixed = bench.agent({
    tools: [slow.tool, quick.tool],
    script: [{ calls: [...slow.calls, ...quick.calls] }, 'Done.'],
  });
  test('let other tools pass a tool at its maxParallel', async () => {
    const handle = await start(mixed);
    await quick.ended.until(4);
    assert.deepEqual({ started: slow.started.value, ended: slow.ended.value }, { started: 1, ended: 0 });
    slow.openAll();
    const { run } = await bench.finished(handle.workflowId);
    assert.equal(slow.most(), 1);
    assert.deepEqual(slow.order, [0, 1, 2]);
    assert.deepEqual(toolValues(run), [0, 1, 2, 0, 1, 2, 3]);
  });

  const narrow = gated('narrow', 2, { workerParallel: 3 });
  const shares = bench.agent({ tools: [narrow.tool], script: [{ calls: narrow.calls }, 'Done.'] });
  test('keep to workerParallel over all runs of a worker', async () => {
    const handles = await Promise.all([start(shares), start(shares)]);
    await eventually(async () => {
      const described = await Promise.all(handles.map((handle) => handle.describe()));
      // 2 is started, in the server's own numbers.
      const pending = described.flatMap(({ raw }) => raw.pendingActivities ?? []);
      return pending.filter(({ state, activityType }) => state === 2 && activityType?.name === 'narrow').length === 4;
    });
    await narrow.started.until(3);
    narrow.openAll();
    for (const { workflowId } of handles) assert.deepEqual(toolValues((await bench.finished(workflowId)).run), [0, 1]);
    assert.equal(narrow.most(), 3);
  });

  const row = gated('row', 6);
  row.openAll();
  const inARow = bench.agent({ tools: [row.tool], script: [{ calls: row.calls }, 'Done.'] });
  test('run one after another with parallel: 1', async () => {
    const { run } = await bench.run(inARow, 'Go.', { parallel: 1, ...golden(bench.cached, 'one-after-another') });
    assert.deepEqual({ most: row.most(), order: row.order }, { most: 1, order: numbers(6) });
    assert.deepEqual(toolValues(run), numbers(6));
  });

  const fifty = gated('fifty', 50);
  const wide = bench.agent({ tools: [fifty.tool], parallel: 50, script: [{ calls: fifty.calls }, 'Done.'] });
  test('run 50 at once with parallel: 50', async () => {
    const handle = await start(wide);
    await fifty.started.until(50);
    fifty.openAll();
    assert.deepEqual(toolValues((await bench.finished(handle.workflowId)).run), numbers(50));
  });

  const crowd = gated('crowd', 500);
  crowd.openAll();
  const many = bench.agent({ tools: [crowd.tool], parallel: 50, script: [{ calls: crowd.calls }, 'Done.'] });
  test('run once each and return in order for 500 calls of a turn', async () => {
    const { result, run } = await bench.run(many);
    assert.deepEqual(
      { status: result.status, calls: result.calls, failedCalls: result.failedCalls },
      { status: 'completed', calls: 500, failedCalls: 0 },
    );
    assert.deepEqual(toolValues(run), numbers(500));
    assert.equal(crowd.started.value, 500);
    assert.ok(crowd.most() <= 50);
  });
});
