// `stats` reads the runs that fit, and says which it could not.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { z } from 'zod';
import { defineTool, ToolError } from '../../activities/index.ts';
import { statsJson, statsLines } from '../../cli/commands/stats.ts';
import { createScreen } from '../../cli/terminal/screen.ts';
import { endToEnd } from '../support/bench.ts';
import { asked } from '../support/people.ts';
import { eventually } from '../support/waits.ts';

endToEnd('stats', (bench) => {
  const look = defineTool({
    name: 'look',
    description: 'Looks.',
    input: z.object({ at: z.string() }),
    effect: 'read',
    run({ at }) {
      if (at === 'nothing') throw new ToolError('There is nothing.');
      return at;
    },
  });
  const pay = defineTool({
    name: 'pay',
    description: 'Pays.',
    input: z.object({}),
    effect: 'idempotent',
    approval: 'always',
    run: () => 'paid',
  });
  const call = (tool: string, args: object = {}) => ({ tool, arguments: args });
  const looker = bench.agent({
    name: 'looker',
    tools: [look],
    script: [{ calls: [call('look', { at: 'a' }), call('look', { at: 'nothing' })] }, 'Done.'],
  });
  const payer = bench.agent({ name: 'payer', tools: [pay], script: [{ calls: [call('pay')] }, 'Paid.'] });
  const endless = bench.agent({
    name: 'endless',
    tools: [look],
    maxTurns: 2,
    script: () => ({ calls: [call('look', { at: 'b' })] }),
  });

  test('counts the runs with a label, and no others', async () => {
    const labels = { batch: randomUUID() };
    const start = (agent: { name: string }) => bench.holdfast.start(agent.name, 'Go.', { labels });
    const ended = [await start(looker), await start(looker), await start(endless)];
    await bench.holdfast.start(looker.name, 'Go.');
    for (const run of ended) await run.result();
    const waits = await start(payer);
    const [question] = await asked(waits);
    await eventually(
      async () => (await bench.holdfast.list({ labels })).filter(({ endedAtMs }) => endedAtMs).length === 3,
    );

    const stats = await bench.holdfast.stats({ labels });
    assert.deepEqual(
      { runs: stats.runs, byStatus: stats.byStatus, unreadable: stats.unreadable, hasMore: stats.hasMore },
      { runs: 4, byStatus: { completed: 2, max_turns: 1, running: 1 }, unreadable: [], hasMore: false },
    );
    assert.deepEqual(
      stats.agents.map(({ name, count, failed }) => [name, count, failed]),
      [
        ['looker', 2, 0],
        ['endless', 1, 1],
        ['payer', 1, 0],
      ],
    );
    assert.deepEqual(
      stats.tools.map(({ name, count, failed }) => [name, count, failed]),
      [
        ['look', 6, 2],
        ['pay', 1, 0],
      ],
    );
    assert.deepEqual(stats.oldestQuestion, { workflowId: waits.workflowId, sinceMs: question!.sinceMs });
    assert.deepEqual(stats.agents[1]?.workflowIds, [ended[2]!.workflowId]);
    const lines = statsLines(stats, undefined, createScreen(process.stdout)).join('\n');
    assert.match(lines, /^4 runs: 2 completed, 1 max turns, 1 running$/m);
    assert.match(lines, /^look +6 +2 +\S/m);

    assert.equal((await bench.holdfast.stats({ labels, agent: looker.name })).runs, 2);
    assert.deepEqual(await bench.holdfast.stats({ labels, limit: 3 }).then(({ runs, hasMore }) => [runs, hasMore]), [
      3,
      true,
    ]);
    const later = Date.now() + 60_000;
    assert.equal((await bench.holdfast.stats({ labels, sinceMs: later })).runs, 0);
    assert.equal((await bench.holdfast.stats({ labels, untilMs: later })).runs, 4);
    const recent = await bench.holdfast.stats({ labels, sinceMs: Date.now() - 24 * 3_600_000 });
    assert.equal(recent.series.every, 'hour');
    assert.equal(
      recent.series.runs.reduce((sum, point) => sum + point.count, 0),
      4,
    );
    const [minute] = (await bench.holdfast.stats({ labels, every: 'minute' })).series.agents[1]!.points;
    assert.deepEqual([minute?.count, minute?.failed, minute?.workflowIds], [1, 1, [ended[2]!.workflowId]]);
    const hourly = statsLines(recent, 'hour', createScreen(process.stdout)).join('\n');
    assert.match(hourly, /^HOUR +RUNS .*\n\d{4}-\d\d-\d\dT\d\d:00Z +\d/);
    const { series } = statsJson(recent);
    assert.match(String(series.runs[0]?.at), /T\d\d:00:00.000Z$/);
    await assert.rejects(
      bench.holdfast.stats({ every: 'week' as 'day' }),
      /every is "week"; it must be minute, hour or day\./,
    );
    await waits.cancel();
  });
});
