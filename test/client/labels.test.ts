// Lists and the inbox find runs by their labels, page by page, however many others there are.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { asTool, defineTool } from '../../activities/index.ts';
import { InvalidList, InvalidStart } from '../../client/index.ts';
import type { Labels } from '../../core/types.ts';
import { endToEnd } from '../support/bench.ts';
import { asked } from '../support/people.ts';
import { newNamespace } from '../support/strangeRuns.ts';
import { eventually } from '../support/waits.ts';

endToEnd(
  'labels',
  (bench) => {
    const pay = defineTool({
      name: 'pay',
      description: 'Pays.',
      input: z.object({ amount: z.number() }),
      effect: 'idempotent',
      approval: 'always',
      run: ({ amount }) => `paid ${amount}`,
    });
    const pays = [{ calls: [{ tool: 'pay', arguments: { amount: 7 } }] }, 'Done.'];
    const clerk = bench.agent({ name: 'clerk', tools: [pay], script: pays });
    const ask = asTool(clerk, { name: 'ask_clerk', description: 'Pays.', input: z.object({ task: z.string() }) });
    const boss = bench.agent({
      name: 'boss',
      tools: [ask],
      // Of the shortest histories that there are: the sub-agent's start is in the second one.
      maxHistoryEvents: 1,
      script: [{ calls: [{ tool: 'ask_clerk', arguments: { task: 'Pay.' } }] }, 'Done.'],
    });
    const started = new Set<string>();
    const start = async (agent: { name: string }, labels: Labels) => {
      const handle = await bench.holdfast.start(agent.name, 'Pay.', { labels });
      started.add(handle.workflowId);
      return handle;
    };

    /** All pages, in order. */
    async function pagesOf<T extends { cursor: string }>(
      page: (after?: string) => Promise<readonly T[]>,
    ): Promise<T[]> {
      const all: T[] = [];
      for (;;) {
        const next = await page(all.at(-1)?.cursor);
        if (next.length === 0) return all;
        all.push(...next);
      }
    }
    const ids = (found: readonly { workflowId: string }[]) => found.map(({ workflowId }) => workflowId);

    test("finds one tenant's run among 55 waiting runs of another", async () => {
      const { holdfast } = bench;
      const [acme, other] = [{ tenant: `acme-${randomUUID()}` }, { tenant: `o'ther \\${randomUUID()}` }];
      const others: string[] = [];
      for (let at = 0; at < 55; at++) others.push((await start(clerk, other)).workflowId);
      const ours = await start(clerk, { ...acme, plan: 'free' });
      await asked(ours);
      await eventually(async () => (await holdfast.inbox({ labels: other })).total === 55);

      const inbox = await eventually(async () => {
        const found = await holdfast.inbox({ labels: acme });
        return found.total === 1 && found;
      });
      assert.deepEqual(
        inbox.waiting.map(({ workflowId, labels }) => ({ workflowId, labels })),
        [{ workflowId: ours.workflowId, labels: { ...acme, plan: 'free' } }],
      );
      assert.deepEqual(ids(await holdfast.list({ labels: acme })), [ours.workflowId]);
      assert.deepEqual(ids(await holdfast.list({ labels: { ...acme, plan: 'free' } })), [ours.workflowId]);
      assert.deepEqual(await holdfast.list({ labels: { ...acme, plan: 'paid' } }), []);
      assert.equal((await holdfast.inbox({ labels: { ...acme, plan: 'paid' } })).total, 0);

      const oldestFirst = (await holdfast.inbox({ labels: other, limit: 100 })).waiting;
      assert.deepEqual(ids(oldestFirst).sort(), others.toSorted());
      const pages = await pagesOf(async (after) => {
        const { total, waiting } = await holdfast.inbox({ labels: other, limit: 9, after });
        assert.equal(total, 55);
        return waiting;
      });
      assert.deepEqual(ids(pages), ids(oldestFirst));

      // Open and ended runs together.
      await Promise.all(others.slice(0, 10).map((id) => holdfast.get(id).cancel()));
      await Promise.all(others.slice(0, 10).map((id) => holdfast.get(id).result()));
      const latestFirst = await eventually(async () => {
        const found = await holdfast.list({ labels: other, limit: 100 });
        return found.filter(({ endedAtMs }) => endedAtMs !== null).length === 10 && found;
      });
      assert.deepEqual(ids(latestFirst).sort(), others.toSorted());
      const listed = await pagesOf((after) => holdfast.list({ labels: other, limit: 7, after }));
      assert.deepEqual(ids(listed), ids(latestFirst));
      await Promise.all([...others.slice(10), ours.workflowId].map((id) => holdfast.get(id).cancel()));
    });

    test('keeps labels over continue-as-new, in sub-agents, forks and runs of schedules', async () => {
      const { holdfast } = bench;
      const labels = { tenant: randomUUID(), team: 'büro' };
      const parent = await start(boss, labels);
      const child = await eventually(async () => (await holdfast.inbox({ labels })).waiting[0]);
      assert.deepEqual({ parentId: child.parentId, labels: child.labels }, { parentId: parent.workflowId, labels });
      await holdfast.get(child.workflowId).approve();
      assert.equal((await parent.result()).status, 'completed');
      assert.deepEqual((await parent.read()).labels, labels);
      assert.equal((await parent.histories()).length > 1, true, 'it continued as new');
      const fork = await parent.fork({ turn: 1 });
      assert.deepEqual((await fork.read()).labels, labels);
      const schedule = `labels-${randomUUID()}`;
      await holdfast.schedules.add(schedule, { agent: clerk.name, input: 'Pay.', every: '1h', labels });
      const scheduled = await eventually(() => holdfast.schedules.run(schedule));
      await holdfast.schedules.remove(schedule);
      const all = [parent.workflowId, child.workflowId, fork.workflowId, scheduled.workflowId];
      // The fork has a sub-agent as well.
      await eventually(async () => {
        const found = ids(await holdfast.list({ labels }));
        return all.every((id) => found.includes(id));
      });
      await Promise.all([fork, scheduled].map((run) => run.cancel()));
    });

    test('tells labels apart by case and by every character', async () => {
      const { holdfast } = bench;
      const key = `k${randomUUID()}`;
      const values = ['A', 'a', 'ä', 'Ä', 'a b', "'", '"', '\\', '%', '%25', 'a=b', '*', '❤️', ' a'];
      const runs = await Promise.all(values.map((value) => start(clerk, { [key]: value })));
      await eventually(async () => {
        const found = await Promise.all(values.map((value) => holdfast.list({ labels: { [key]: value } })));
        assert.ok(found.every(({ length }) => length <= 1));
        return isDeepStrictEqual(ids(found.flat()), ids(runs));
      });
      await Promise.all(runs.map((run) => run.cancel()));
    });

    test('refuses labels, limits and cursors that are none, and says which', async () => {
      const { holdfast } = bench;
      const labelled = (labels: unknown) => holdfast.start(clerk.name, 'Pay.', { labels: labels as Labels });
      const refuses = (labels: unknown, why: RegExp) =>
        assert.rejects(labelled(labels), (error) => error instanceof InvalidStart && why.test(error.message));
      await refuses([], /^labels must be an object of strings/);
      await refuses({ tenant: 5 }, /^labels\.tenant must be a string/);
      await refuses({ tenant: '' }, /^labels\.tenant must have 1 to 128 characters; it has 0/);
      await refuses({ tenant: 'x'.repeat(129) }, /it has 129/);
      await refuses({ tenant: 'a\nb' }, /control characters/);
      await refuses({ 'a=b': 'c' }, /^labels has the key "a=b"/);
      await refuses(
        Object.fromEntries(Array.from({ length: 11 }, (_, at) => [`l${at}`, 'x'])),
        /has 11 labels; at most 10/,
      );
      await refuses({ tenant: '€'.repeat(128) }, /^labels\.tenant is too long/);
      const large = Object.fromEntries(Array.from({ length: 10 }, (_, at) => [`l${at}`, '€'.repeat(26)]));
      await refuses(large, /^labels has [\d,]+ bytes; at most 2,000/);
      await assert.rejects(
        holdfast.schedules.add('x', { agent: 'x', input: 'x', every: '1h', labels: { 'a b': 'c' } }),
        InvalidStart,
      );
      for (const list of [holdfast.list, holdfast.inbox]) {
        await assert.rejects(list({ labels: { 'a b': 'c' } }), InvalidList);
        await assert.rejects(list({ limit: 0 }), InvalidList);
        await assert.rejects(list({ after: 'nonsense' }), InvalidList);
      }
    });

    // In memory, there is one namespace.
    bench.onServer('filters memos where the namespace has no search attribute', async () => {
      const { connect } = await import('../../client/index.ts');
      const { address } = bench;
      const bare = await connect({ address, namespace: await newNamespace(address) });
      const run = await bare.start('clerk', 'Pay.', { labels: { tenant: 'acme' } });
      await bare.start('clerk', 'Pay.', { labels: { tenant: 'other' } });
      const found = await eventually(async () => {
        const listed = await bare.list({ labels: { tenant: 'acme' } });
        return listed.length > 0 && listed;
      });
      assert.deepEqual(ids(found), [run.workflowId]);
      await bare.close();
    });
  },
  { endsVary: true },
);
