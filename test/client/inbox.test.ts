// One inbox shows all runs that wait, including sub-agents, oldest first, by search attributes or by memo.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { z } from 'zod';
import { type AgentOptions, asTool, defineAgent, defineTool } from '../../activities/index.ts';
import { offlineModel, type ScriptedModel, startScriptedModel } from '../../activities/testing/index.ts';
import { connect, type Holdfast, type Inbox, type RunHandle } from '../../client/index.ts';
import { oldestWaiting, type Place, placeAt } from '../../client/lists/inbox.ts';
import { labelFilter } from '../../client/lists/labels.ts';
import { createWorker, type HoldfastWorker } from '../../worker/index.ts';
import { asked } from '../support/people.ts';
import { quietLogs } from '../support/quiet.ts';
import { serverAddress } from '../support/server.ts';
import { newNamespace } from '../support/strangeRuns.ts';
import { eventually } from '../support/waits.ts';

quietLogs();

/** Names of their own: the server may be shared with other tests. */
const names = () => {
  const id = randomUUID().slice(0, 8);
  return { clerk: `clerk-${id}`, helper: `helper-${id}`, boss: `boss-${id}` };
};

function agentsOf({ clerk, helper, boss }: ReturnType<typeof names>) {
  const pay = defineTool({
    name: 'pay',
    description: 'Pays.',
    input: z.object({ amount: z.number() }),
    effect: 'idempotent',
    approval: 'always',
    run: ({ amount }) => `paid ${amount}`,
  });
  const define = (name: string, tools: AgentOptions['tools'] = [pay]) =>
    defineAgent({ name, model: offlineModel(name), instructions: 'You pay.', tools });
  const helperAgent = define(helper);
  const ask = asTool(helperAgent, {
    name: 'ask_helper',
    description: 'Has it paid.',
    input: z.object({ task: z.string() }),
  });
  return [define(clerk), helperAgent, define(boss, [ask])];
}

const scriptsOf = ({ clerk, helper, boss }: ReturnType<typeof names>) => {
  const pays = [{ calls: [{ tool: 'pay', arguments: { amount: 7 } }] }, 'Done.'];
  return {
    [clerk]: pays,
    [helper]: pays,
    [boss]: [{ calls: [{ tool: 'ask_helper', arguments: { task: 'Pay.' } }] }, 'Done.'],
  };
};

/** A worker and a client in a namespace. */
async function openOffice(address: string, namespace: string, name: ReturnType<typeof names>) {
  const model: ScriptedModel = await startScriptedModel({ scripts: scriptsOf(name) });
  const taskQueue = `inbox-${randomUUID()}`;
  const holdfast: Holdfast = await connect({ address, namespace, taskQueue });
  let worker: HoldfastWorker;
  let running: Promise<void>;
  const work = async () => {
    const agents = agentsOf(name);
    worker = await createWorker({
      ...{ agents, address, namespace, taskQueue },
      model: { apiKey: 'offline', baseURL: model.baseURL },
    });
    running = worker.run();
  };
  const rest = async () => {
    worker.shutdown();
    await running;
  };
  await work();
  return {
    holdfast,
    /** Another worker in its place. */
    async restart() {
      await rest();
      await work();
    },
    async close() {
      await rest();
      await Promise.all([holdfast.close(), model.close()]);
    },
  };
}

const idsOf = ({ waiting }: Inbox) => waiting.map(({ workflowId }) => workflowId);

describe('the inbox', () => {
  const name = names();
  let office: Awaited<ReturnType<typeof openOffice>>;
  before(async () => {
    office = await openOffice(await serverAddress(), 'default', name);
  });
  after(() => office.close());

  /** Resolves when the runs of an agent in the inbox are these, in any order. */
  const shows = (agent: string, ids: readonly string[]) =>
    eventually(async () => {
      const inbox = await office.holdfast.inbox({ agent });
      return JSON.stringify(idsOf(inbox).sort()) === JSON.stringify([...ids].sort()) && inbox;
    });

  test('lists questions of runs and sub-agents, oldest first, until they are decided', async () => {
    const { holdfast } = office;
    const clerks: RunHandle[] = [];
    for (let at = 0; at < 5; at++) {
      const handle = await holdfast.start(name.clerk, 'Pay.');
      await asked(handle);
      clerks.push(handle);
    }
    const boss = await holdfast.start(name.boss, 'Pay.');
    const [first, second, third, fourth, fifth] = clerks.map(({ workflowId }) => workflowId) as [
      ...[string, string, string, string, string],
    ];
    const helper = `${boss.workflowId}.1.0`;

    const all = await shows(name.clerk, [first, second, third, fourth, fifth]);
    assert.deepEqual(idsOf(all), [first, second, third, fourth, fifth], 'oldest first');
    const [oldest] = all.waiting;
    assert.deepEqual(
      { total: all.total, agent: oldest?.agent, parentId: oldest?.parentId, count: oldest?.count },
      { total: 5, agent: name.clerk, parentId: null, count: 1 },
    );
    assert.deepEqual(
      oldest?.questions.map((question) => question.kind === 'approval' && [question.call, question.arguments]),
      [['1.0', '{"amount":7}']],
    );
    const few = await holdfast.inbox({ agent: name.clerk, limit: 2 });
    assert.deepEqual({ total: few.total, ids: idsOf(few) }, { total: 5, ids: [first, second] });

    const [sub] = (await shows(name.helper, [helper])).waiting;
    assert.deepEqual({ agent: sub?.agent, parentId: sub?.parentId }, { agent: name.helper, parentId: boss.workflowId });
    assert.deepEqual(
      (await holdfast.inbox({ agent: name.boss })).waiting,
      [],
      'the boss waits for its helper, not for us',
    );
    const unfiltered = idsOf(await holdfast.inbox({ limit: 100_000 }));
    assert.deepEqual(
      unfiltered.filter((id) => [first, helper].includes(id)),
      [first, helper],
    );
    assert.equal((await holdfast.inbox({ agent: `${name.clerk}' OR 'a' = 'a` })).total, 0);
    assert.equal((await holdfast.inbox({ agent: `${name.clerk}\\` })).total, 0);

    await Promise.all([
      holdfast.get(first).approve(),
      holdfast.get(second).reject(),
      holdfast.get(third).cancel(),
      holdfast.get(fourth).stop(),
      holdfast.get(helper).approve(),
    ]);
    await shows(name.clerk, [fifth]);
    await shows(name.helper, []);
    assert.equal((await boss.result()).output, 'Done.');
    await holdfast
      .get(fifth)
      .describe()
      .then(() => holdfast.client.workflow.getHandle(fifth).terminate());
    await shows(name.clerk, []);
  });

  test('finds the oldest of more runs than a page by bisection', async () => {
    const { holdfast } = office;
    const ids: string[] = [];
    for (let at = 0; at < 9; at++) {
      const handle = await holdfast.start(name.clerk, 'Pay.');
      await asked(handle);
      ids.push(handle.workflowId);
    }
    await shows(name.clerk, ids);
    for (const [limit, page] of [
      [1, 1],
      [1, 3],
      [3, 1],
      [4, 3],
      [8, 1],
      [9, 1],
      [50, 2],
    ] as const) {
      const filter = await labelFilter(holdfast.client);
      const oldest = await oldestWaiting(holdfast.client, { agent: name.clerk, filter, limit, from: null }, page);
      assert.deepEqual(
        { total: oldest.total, ids: idsOf(oldest) },
        { total: 9, ids: ids.slice(0, limit) },
        `limit ${limit}, page ${page}`,
      );
    }
    // And the next ones, page by page.
    for (const [limit, page] of [
      [2, 1],
      [2, 4],
      [4, 100],
    ] as const) {
      const filter = await labelFilter(holdfast.client);
      const paged: string[] = [];
      for (let from: Place | null = null; ; ) {
        const next: Inbox = await oldestWaiting(holdfast.client, { agent: name.clerk, filter, limit, from }, page);
        assert.equal(next.total, 9);
        const last = next.waiting.at(-1);
        if (!last) break;
        paged.push(...idsOf(next));
        from = placeAt(last.cursor);
      }
      assert.deepEqual(paged, ids, `limit ${limit}, page ${page}`);
    }
    await Promise.all(ids.map((id) => holdfast.get(id).cancel()));
  });
});

test('reads memos without search attributes, and loses nothing when they are added', async () => {
  const address = await serverAddress();
  const namespace = await newNamespace(address);
  const name = names();
  const office = await openOffice(address, namespace, name);
  const { holdfast } = office;
  const old = await holdfast.start(name.clerk, 'Pay.');
  await asked(old);
  const second = await holdfast.start(name.helper, 'Pay.');
  await asked(second);
  const seen = await eventually(async () => {
    const inbox = await holdfast.inbox();
    return inbox.total === 2 && inbox;
  });
  assert.deepEqual(idsOf(seen), [old.workflowId, second.workflowId]);
  assert.deepEqual(idsOf(await holdfast.inbox({ agent: name.helper })), [second.workflowId]);
  assert.deepEqual(idsOf(await holdfast.inbox({ limit: 1 })), [old.workflowId]);
  await second.approve();
  assert.equal((await second.result()).status, 'completed');

  assert.deepEqual((await holdfast.setup()).toSorted(), [
    'HoldfastAgent',
    'HoldfastCost',
    'HoldfastForkOf',
    'HoldfastLabels',
    'HoldfastStatus',
    'HoldfastTokens',
    'HoldfastTurns',
    'HoldfastWaitingSince',
  ]);
  // Registered is one thing; that all parts of the server know of it, another.
  await eventually(async () => (await holdfast.setup()).length === 0);
  await office.restart();
  const fresh = await eventually(() => holdfast.start(name.clerk, 'Pay.').catch(() => null));
  await asked(fresh);
  const both = await eventually(async () => {
    const inbox = await holdfast.inbox({ agent: name.clerk }).catch(() => null);
    return inbox?.total === 2 && inbox;
  });
  assert.deepEqual(idsOf(both), [old.workflowId, fresh.workflowId]);
  await old.approve();
  await fresh.approve();
  assert.deepEqual(
    { old: (await old.result()).status, fresh: (await fresh.result()).status },
    { old: 'completed', fresh: 'completed' },
  );
  await eventually(async () => (await holdfast.inbox()).total === 0);
  await office.close();
});
