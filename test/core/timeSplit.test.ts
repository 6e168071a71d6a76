// The time and money of every golden run are accounted for, to the millisecond and the token.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Cost, costsOf } from '../../core/read/costs.ts';
import type { RunSpan } from '../../core/read/run.ts';
import { criticalPath, TIME_CAUSES, type TimeCause, timeSplit } from '../../core/read/timeSplit.ts';
import { goldenNames, goldenRun } from '../support/goldenRuns.ts';

for (const name of goldenNames) {
  test(`accounts for the time and money of ${name}`, async () => {
    const run = await goldenRun(name);
    const { fromMs, toMs, totalMs, byCause, parts: times } = timeSplit(run);
    assert.equal(totalMs, (run.endedAtMs ?? 0) - run.times.fromMs);
    assert.equal(
      TIME_CAUSES.reduce((sum, cause) => sum + byCause[cause], 0),
      totalMs,
    );
    assert.equal(times[0]?.fromMs, fromMs);
    assert.equal(times.at(-1)?.toMs, toMs);
    for (const [i, part] of times.entries()) {
      assert.ok(part.toMs > part.fromMs);
      if (i > 0) assert.equal(part.fromMs, times[i - 1]?.toMs);
      if (i > 0) assert.notEqual(part.cause, times[i - 1]?.cause);
    }
    for (const span of run.times.spans) assert.notEqual(span.endedAtMs, null, `${span.what} is closed`);
    if (run.turns.some(({ model }) => model)) assert.ok(byCause.model > 0, 'the model was called');
    for (const step of criticalPath(run)) assert.ok(step.toMs >= step.fromMs);

    if (run.earlier) return;
    const costs = costsOf(run);
    const parts = [...costs.byTurn, ...costs.bySubAgent].map(({ cost }) => cost);
    const sum = (key: keyof Cost) => [...parts, costs.compactions].reduce((n, cost) => n + cost[key], 0);
    for (const key of ['inputTokens', 'outputTokens', 'cachedTokens', 'modelCalls'] as const)
      assert.equal(sum(key), run.spend[key], key);
  });
}

/** Returns the causes that took some time, in the order in which they came. */
async function causesOf(name: string): Promise<TimeCause[]> {
  return timeSplit(await goldenRun(name)).parts.map(({ cause }) => cause);
}

test('tells a wait for a person from work', async () => {
  // Another call of the turn needs no approval and runs at once.
  assert.deepEqual(
    (await causesOf('approved')).filter((cause) => cause !== 'orchestration' && cause !== 'queue'),
    ['model', 'tools', 'people', 'tools', 'model'],
  );
});

test('counts earlier attempts and their pauses as retries', async () => {
  const { byCause } = timeSplit(await goldenRun('attempts'));
  // Calls 1.0, 1.1 and 1.4 had failed attempts that overlapped with each other; history has the start of the last ones.
  assert.ok(byCause.retries > 2_000, String(byCause.retries));
});

test('counts the looks at a task of an MCP server as its work', async () => {
  const { byCause } = timeSplit(await goldenRun('mcp-task'));
  assert.equal(byCause.retries, 0);
  assert.ok(byCause.tools > 6_000, String(byCause.tools));
});

test('counts the wait of a session for its next message as idle', async () => {
  const { byCause } = timeSplit(await goldenRun('session-idle'));
  assert.ok(byCause.idle > 0);
  assert.equal(byCause.people, 0);
});

test('leaves the time of a sub-agent to its own run', async () => {
  const { byCause } = timeSplit(await goldenRun('sub-agents'));
  assert.ok(byCause.sub_agents > 0);
});

test('has the model call and the last call of each turn on the critical path', async () => {
  const run = await goldenRun('attempts');
  assert.deepEqual(
    criticalPath(run).map(({ what, turn, call }) => [what, turn, call]),
    [
      ['model', 1, null],
      ['call', 1, '1.4'],
      ['model', 2, null],
    ],
  );
});

const span = (what: RunSpan['what'], times: readonly [number, number | null, number | null], more = {}): RunSpan => {
  const [scheduledAtMs, startedAtMs, endedAtMs] = times;
  return { what, turn: 1, slot: null, scheduledAtMs, startedAtMs, endedAtMs, attempts: 1, ...more };
};
const during = async (...spans: RunSpan[]) => {
  const run = await goldenRun('approved');
  const split = timeSplit({ ...run, endedAtMs: 100_000, times: { fromMs: 0, toMs: 100_000, spans } });
  return Object.fromEntries(Object.entries(split.byCause).filter(([, ms]) => ms > 0));
};

test('gives a time to the work that runs, not to what waits meanwhile', async () => {
  assert.deepEqual(await during(span('people', [0, 0, 100_000]), span('call', [10_000, 20_000, 60_000])), {
    tools: 40_000,
    queue: 10_000,
    people: 50_000,
  });
  assert.deepEqual(
    await during(
      span('call', [0, 50_000, 60_000], { attempts: 2 }),
      span('call', [0, 10_000, 30_000]),
      span('paused', [40_000, 40_000, 100_000]),
    ),
    { tools: 30_000, retries: 30_000, paused: 40_000 },
  );
});

test('names a missing worker only where history shows that nobody came', async () => {
  assert.deepEqual(await during(span('workflow_task', [0, null, 30_000])), {
    no_worker: 30_000,
    orchestration: 70_000,
  });
  const untaken = { attempts: 0, unstarted: 'time' } as const;
  assert.deepEqual(await during(span('call', [0, null, 60_000], untaken)), {
    no_worker: 60_000,
    orchestration: 40_000,
  });
  const cancelled = { attempts: 0, unstarted: 'cancelled' } as const;
  assert.deepEqual(await during(span('call', [0, null, 60_000], cancelled)), { queue: 60_000, orchestration: 40_000 });
  // It was scheduled a moment ago.
  assert.deepEqual(await during(span('workflow_task', [95_000, null, null])), { orchestration: 100_000 });
  assert.deepEqual(await during(span('call', [0, 90_000, 100_000])), { queue: 90_000, tools: 10_000 });
});
