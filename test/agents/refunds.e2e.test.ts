// A night of refunds on a real server with both databases: questions above the amount, decisions, and an exact ledger.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { createRefunds } from '../../agents/refunds/agent.ts';
import type { NightlyReport } from '../../agents/refunds/outcome.ts';
import { connect, type Holdfast, type RunHandle, RunNotFound } from '../../client/index.ts';
import { toolCalls } from '../../core/read/run.ts';
import { createWorker, type HoldfastWorker } from '../../worker/index.ts';
import { quietLogs } from '../support/quiet.ts';
import { serverAddress } from '../support/server.ts';
import { eventually } from '../support/waits.ts';
import { ledger, onBothDatabases, payments, rejections } from './refundsShop.ts';

quietLogs();

interface Asked {
  readonly order: string;
  readonly run: RunHandle;
  readonly call: string;
  readonly question: string | null;
}

onBothDatabases(({ isEmbedded }) => {
  let holdfast: Holdfast;
  let worker: HoldfastWorker;
  let running: Promise<void>;
  // Ends what a failed test has left listening.
  const over = new AbortController();
  before(async () => {
    const address = await serverAddress();
    const taskQueue = `refunds-${randomUUID()}`;
    holdfast = await connect({ address, namespace: 'default', taskQueue });
    worker = await createWorker({
      address,
      namespace: 'default',
      taskQueue,
      agents: [createRefunds({ approvalTimeout: '1 h' }).refunds],
      model: {},
      // Both ways are shown, one with each database.
      temporal: isEmbedded ? { maxCachedWorkflows: 0 } : {},
    });
    running = worker.run();
  });
  after(async () => {
    over.abort();
    worker.shutdown();
    await running;
    await holdfast.close();
  });

  /** A sub-agent's run is announced a moment before the server has it. */
  function startedRun(workflowId: string): Promise<RunHandle> {
    const run = holdfast.get(workflowId);
    return eventually(() =>
      run.describe().then(
        () => run,
        (error) => {
          if (!(error instanceof RunNotFound)) throw error;
          return null;
        },
      ),
    );
  }

  /** The question that a run comes to, by history; null where it ends without one. */
  async function questionOf(run: RunHandle): Promise<Asked | null> {
    for await (const event of run.events({ signal: over.signal }))
      if (event.type === 'question' && event.question.kind === 'approval') {
        const { call, question, arguments: args } = event.question;
        return { run, call, question, order: /O-\d{4}/.exec(args)?.[0] ?? '' };
      }
    return null;
  }

  /** The calls that wait, by order, once each of the night's `n` runs has asked or ended. */
  async function questionsUnder(night: RunHandle, n: number): Promise<ReadonlyMap<string, Asked>> {
    const coming: Promise<Asked | null>[] = [];
    for await (const event of night.events({ signal: over.signal })) {
      if (event.type === 'call_scheduled' && event.childId !== null)
        coming.push(questionOf(await startedRun(event.childId)));
      if (coming.length === n) break;
    }
    assert.equal(coming.length, n);
    const asked = (await Promise.all(coming)).filter((found) => found !== null);
    return new Map(asked.map((found) => [found.order, found]));
  }

  test('asks a person about refunds over 100.00, and finds the rest the next night', async () => {
    const night = await holdfast.start('refunds', 'Work through the open refund requests.');
    const asked = await questionsUnder(night, 9);
    assert.deepEqual([...asked.keys()].sort(), ['O-1003', 'O-1004', 'O-1005', 'O-1006']);
    assert.match(asked.get('O-1003')?.question ?? '', /^Refund 249\.00 to Perpetua Finch for O-1003, winter coat/);
    // Those that need nobody do not wait for those that do.
    assert.deepEqual(await payments(), ['O-1001 2490', 'O-1002 1600', 'O-1009 3591']);
    assert.deepEqual(await rejections(), ['O-1007', 'O-1008']);

    const on = (order: string) => asked.get(order)!;
    const ann = { by: 'ann', why: 'looked at it' };
    await on('O-1003').run.approve(on('O-1003').call, ann);
    const tooMuch = { order_id: 'O-1004', cents: 48_001 };
    await assert.rejects(on('O-1004').run.edit(on('O-1004').call, tooMuch, ann), /never more than the order cost/);
    await on('O-1004').run.edit(on('O-1004').call, { order_id: 'O-1004', cents: 30_000 }, ann);
    // However much a person says: it is noted, and the rejection is not lost for it.
    const why = 'wrong serial number '.repeat(150).trim();
    await on('O-1005').run.reject(on('O-1005').call, { by: 'ann', why });
    // Its own run is asked to stop, so that nothing is decided about it.
    await on('O-1006').run.stop({ by: 'ann' });

    const result = await night.result();
    const report = result.value as NightlyReport;
    assert.equal(result.status, 'completed');
    assert.deepEqual(
      { paid: report.paid, rejected: report.rejected, open: report.open, cents: report.cents },
      { paid: 5, rejected: 3, open: 1, cents: 62_581 },
    );
    assert.deepEqual(await payments(), ['O-1001 2490', 'O-1002 1600', 'O-1003 24900', 'O-1004 30000', 'O-1009 3591']);
    assert.deepEqual(await rejections(), ['O-1005', 'O-1007', 'O-1008']);
    const by = new Map((await ledger()).map(({ order_id, approved_by }) => [order_id, approved_by]));
    assert.deepEqual(
      { 'O-1003': by.get('O-1003'), 'O-1004': by.get('O-1004'), 'O-1001': by.get('O-1001') },
      { 'O-1003': 'ann', 'O-1004': 'ann', 'O-1001': null },
    );
    assert.equal(report.orders.find(({ order_id }) => order_id === 'O-1005')?.why, why);
    assert.equal(report.orders.find(({ order_id }) => order_id === 'O-1006')?.outcome, 'open');

    // The budget is over the tree: eleven runs' calls are in one sum, and it has a price.
    const children = toolCalls(await night.read()).flatMap(({ childId }) => childId ?? []);
    assert.equal(children.length, 9);
    const each = await Promise.all(children.map(async (id) => (await holdfast.get(id).result()).spend.modelCalls));
    assert.equal(
      result.spend.modelCalls,
      each.reduce((sum, calls) => sum + calls, result.turns),
    );
    assert.ok(result.spend.cost > 0);

    const next = await holdfast.start('refunds', 'Work through the open refund requests.');
    const left = await questionsUnder(next, 1);
    await left.get('O-1006')!.run.approve(undefined, { by: 'ben' });
    const second = (await next.result()).value as NightlyReport;
    assert.deepEqual(
      { paid: second.paid, rejected: second.rejected, open: second.open, cents: second.cents },
      { paid: 1, rejected: 0, open: 0, cents: 31_500 },
    );
    assert.equal((await ledger()).length, 6);

    const third = (await (await holdfast.start('refunds', 'Go on.')).result()).value as NightlyReport;
    assert.deepEqual(third.orders, []);
    assert.match(third.note, /nothing to do/);
  });
});
