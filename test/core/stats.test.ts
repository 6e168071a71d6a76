// The numbers of many runs are those of each run, added up.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Call, Run, Turn } from '../../core/read/run.ts';
import { EVERY, EVERY_MS, statsOf } from '../../core/read/stats.ts';
import { goldenNames, goldenRun } from '../support/goldenRuns.ts';

const runs: readonly Run[] = await Promise.all(goldenNames.map(goldenRun));
const sum = (values: readonly number[]) => values.reduce((n, value) => n + value, 0);

test('counts each golden run, turn and call once', () => {
  const stats = statsOf(runs);
  assert.equal(stats.runs, runs.length);
  assert.equal(sum(Object.values(stats.byStatus)), runs.length);
  for (const rows of [stats.agents, stats.days]) {
    assert.equal(sum(rows.map(({ count }) => count)), runs.length);
    assert.equal(sum(rows.map(({ inputTokens }) => inputTokens)), stats.inputTokens);
    assert.equal(
      sum(rows.map(({ failed }) => failed)),
      runs.filter(({ status }) => status !== 'completed' && status !== 'running').length,
    );
  }
  const turns = runs.flatMap((run) => run.turns);
  assert.equal(sum(stats.models.map(({ count }) => count)), turns.filter(({ model }) => model !== null).length);
  const calls = turns.flatMap((turn) => turn.calls);
  assert.equal(sum(stats.tools.map(({ count }) => count)), calls.length);
  assert.deepEqual(
    stats.tools.map(({ name }) => name).toSorted(),
    [...new Set(calls.map(({ tool }) => tool))].toSorted(),
  );
});

test('has the same numbers over time, whatever they are gathered by', () => {
  for (const every of EVERY) {
    const stats = statsOf(runs, { every });
    const { series } = stats;
    const pairs = [
      ...stats.agents.map((row, at) => [row, series.agents[at]] as const),
      ...stats.models.map((row, at) => [row, series.models[at]] as const),
      ...stats.tools.map((row, at) => [row, series.tools[at]] as const),
    ];
    for (const [row, line] of pairs) {
      assert.equal(line?.name, row.name);
      for (const field of ['count', 'failed', 'inputTokens', 'outputTokens'] as const)
        assert.equal(sum(line.points.map((point) => point[field])), row[field], `${every} ${row.name} ${field}`);
      const times = line.points.map(({ atMs }) => atMs);
      assert.deepEqual(
        times,
        [...new Set(times)].toSorted((a, b) => a - b),
      );
      assert.ok(times.every((atMs) => atMs % EVERY_MS[every] === 0));
    }
    assert.equal(sum(series.runs.map(({ count }) => count)), runs.length);
  }
  assert.deepEqual(
    statsOf(runs, { every: 'day' }).series.runs.map(({ atMs, count }) => [
      new Date(atMs).toISOString().slice(0, 10),
      count,
    ]),
    statsOf(runs).days.map(({ name, count }) => [name, count]),
  );
});

test('counts a turn and a call where they began, and a run where it started', () => {
  const at = (iso: string) => Date.parse(iso);
  const run = runs.find(({ turns }) => turns.length > 1 && turns[0]!.calls.length > 0 && turns[0]!.model !== null)!;
  const [first, second] = run.turns as [Turn, Turn];
  const late = { ...second, startedAtMs: at('2026-01-08T11:20:00Z'), model: 'm', calls: [] };
  const [call] = first.calls as [Call];
  const early = {
    ...first,
    startedAtMs: at('2026-01-08T09:10:00Z'),
    model: 'm',
    calls: [{ ...call, tool: 't', scheduledAtMs: at('2026-01-08T10:01:00Z') }],
  };
  const long = { ...run, startedAtMs: at('2026-01-08T09:00:00Z'), turns: [early, late] };
  const { series } = statsOf([long], { every: 'hour' });
  const hours = (points: readonly { atMs: number }[]) => points.map(({ atMs }) => new Date(atMs).getUTCHours());
  assert.deepEqual(hours(series.runs), [9]);
  assert.deepEqual(hours(series.models[0]!.points), [9, 11]);
  assert.deepEqual(hours(series.tools[0]!.points), [10]);
});

test('does not count the tokens of a sub-agent twice', async () => {
  const parents = runs.filter(({ turns }) => turns.some(({ calls }) => calls.some(({ spend }) => spend)));
  assert.ok(parents.length > 0);
  for (const parent of parents) {
    const below = sum(parent.turns.flatMap(({ calls }) => calls.map(({ spend }) => spend?.inputTokens ?? 0)));
    const { inputTokens } = statsOf([parent]);
    if (!parent.earlier) assert.equal(inputTokens + below, parent.spend.inputTokens, parent.workflowId);
  }
});

/** Of a golden run, what is counted. */
const made = (fields: Partial<Run>): Run => ({ ...runs.find(({ turns }) => turns.length > 0)!, ...fields });

test('gives the median and the 95th of a hundred', () => {
  const took = Array.from({ length: 100 }, (_, at) =>
    made({ workflowId: `run-${at}`, startedAtMs: 0, endedAtMs: at + 1, status: 'completed' }),
  );
  assert.deepEqual(statsOf(took).duration, { median: 50, p95: 95 });
  assert.equal(statsOf([made({ endedAtMs: null, status: 'running' })]).duration, null);
  assert.deepEqual(statsOf([]), {
    ...{ runs: 0, byStatus: {}, inputTokens: 0, outputTokens: 0, cost: 0, duration: null },
    ...{ agents: [], models: [], tools: [], days: [], oldestQuestion: null },
    series: { every: 'minute', runs: [], agents: [], models: [], tools: [] },
  });
});

test('names the runs of a number, failed ones first', () => {
  const good = made({ workflowId: 'good', status: 'completed' });
  const bad = made({ workflowId: 'bad', status: 'model_failed' });
  const [agent] = statsOf([good, bad]).agents;
  assert.deepEqual([agent?.count, agent?.failed, agent?.workflowIds], [2, 1, ['bad', 'good']]);
});

test('finds the question that has been open for longest', () => {
  const asks = (workflowId: string, sinceMs: number) =>
    made({
      workflowId,
      questions: [
        {
          ...({ kind: 'approval', call: '1.0', digest: 'x', tool: 'pay', arguments: '{}' } as const),
          ...{ question: null, sinceMs, expiresAtMs: null },
        },
      ],
    });
  const { oldestQuestion } = statsOf([asks('new', 30), asks('old', 10), asks('other', 20)]);
  assert.deepEqual(oldestQuestion, { workflowId: 'old', sinceMs: 10 });
});
