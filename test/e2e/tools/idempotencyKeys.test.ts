// A call keeps its idempotency key over retries, continue-as-new and resets, and other calls have other keys. With `once`, the
// same call has one effect and one result.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type pg from 'pg';
import { z } from 'zod';
import { defineTool, once } from '../../../activities/index.ts';
import type { Script } from '../../../activities/testing/index.ts';
import type { RunHandle } from '../../../client/index.ts';
import { WORKFLOW_TYPE } from '../../../core/names.ts';
import { eventId, type HistoryEvent } from '../../../core/read/history.ts';
import { toolCalls } from '../../../core/read/run.ts';
import { endToEnd } from '../../support/bench.ts';
import { asked } from '../../support/people.ts';
import { noPostgres, startPool } from '../../support/postgres.ts';
import { toolTexts } from '../../support/toolTexts.ts';
import { eventually } from '../../support/waits.ts';

/** The answer of a first attempt is lost on its way, when the tool has done all that it does. */
const losesAnswers: ActivityInterceptorsFactory = ({ info }) => ({
  inbound: {
    async execute(call, next) {
      const result = await next(call);
      if (info.activityType === 'pay_lost' && info.attempt === 1)
        throw ApplicationFailure.retryable('The answer was lost.');
      return result;
    },
  },
});

describe('idempotency keys', { skip: noPostgres }, () => {
  let pool: pg.Pool;
  let stop: () => Promise<void>;
  before(async () => {
    ({ pool, stop } = await startPool());
    await pool.query('create table payments (id serial primary key, payer text, cents int)');
  });
  after(() => stop());

  const paidBy = async (payer: string) => {
    const { rows } = await pool.query('select cents from payments where payer = $1 order by id', [payer]);
    return rows.map(({ cents }) => cents as number);
  };

  endToEnd(
    'of a call',
    (bench) => {
      const keys = new Map<string, string[]>();
      const keysOf = (payer: string) => keys.get(payer) ?? [];
      const tool = (name: string, own?: (payer: string) => string) =>
        defineTool({
          name,
          description: 'Pays.',
          input: z.object({ payer: z.string(), cents: z.number() }),
          effect: 'idempotent',
          retry: { initial: '1 ms' },
          ...(name === 'pay_asked' && { approval: 'always' as const }),
          run: ({ payer, cents }, ctx) => {
            keys.set(payer, [...keysOf(payer), ctx.idempotencyKey]);
            const key = own && { key: own(payer), input: { cents } };
            return once(
              pool,
              ctx,
              async (tx) => {
                const sql = 'insert into payments (payer, cents) values ($1, $2) returning id';
                const { rows } = await tx.query(sql, [payer, cents]);
                return { payment: rows[0]?.['id'], cents };
              },
              key,
            );
          },
        });
      const amounts = new Map<string, number>();
      const pays =
        (name: string, turns = 1): Script =>
        ({ turn, input: payer }) => {
          if (turn > turns) return 'Done.';
          return { calls: [{ tool: name, arguments: { payer, cents: amounts.get(payer) ?? 100 } }] };
        };

      const payer = bench.agent({ tools: [tool('pay')], script: pays('pay') });
      const lost = bench.agent({ tools: [tool('pay_lost')], script: pays('pay_lost') });
      const named = bench.agent({ tools: [tool('pay_named', (by) => `invoice/${by}`)], script: pays('pay_named') });
      const linked = bench.agent({
        tools: [tool('pay_asked')],
        maxHistoryEvents: 30,
        script: pays('pay_asked', 2),
      });

      /** Goes back to before the model was first asked, as `temporal workflow reset` does. */
      async function reset(handle: RunHandle): Promise<void> {
        const { events } = await handle.history();
        const first = (events as HistoryEvent[]).find((event) => event.workflowTaskCompletedEventAttributes);
        await bench.holdfast.client.workflowService.resetWorkflowExecution({
          namespace: 'default',
          workflowExecution: { workflowId: handle.workflowId },
          reason: 'a test',
          requestId: randomUUID(),
          workflowTaskFinishEventId: eventId(first?.eventId) as never,
        });
      }

      test('stays the same after a lost result, so that one payment is made', async () => {
        const id = randomUUID();
        const { run } = await bench.run(lost, id);
        const [call] = toolCalls(run);
        assert.equal(call?.attempts, 2);
        assert.equal(keysOf(id).length, 2);
        assert.equal(new Set(keysOf(id)).size, 1);
        assert.deepEqual(await paidBy(id), [100]);
        assert.equal(JSON.parse(call?.text ?? '').cents, 100);
      });

      // A reset is an operation of the server, and so in the next test.
      bench.onServer('stays the same after a reset with the same plan', async () => {
        const id = randomUUID();
        const { run } = await bench.run(payer, id, { id });
        const handle = bench.holdfast.get(id);
        await reset(handle);
        await handle.result();
        const { run: again } = await bench.finished(id);
        assert.equal(keysOf(id).length, 2, 'it was called again');
        assert.equal(new Set(keysOf(id)).size, 1);
        assert.deepEqual(await paidBy(id), [100]);
        assert.deepEqual(again.transcript, run.transcript);
        assert.match(keysOf(id)[0]!, new RegExp(`^${id}/${run.runId}/1\\.0/`));
      });

      bench.onServer("changes after a reset with another plan, unless it is the tool's own", async () => {
        const id = randomUUID();
        await bench.run(payer, id, { id });
        amounts.set(id, 250);
        const handle = bench.holdfast.get(id);
        await reset(handle);
        await handle.result();
        await bench.finished(id);
        assert.equal(new Set(keysOf(id)).size, 2);
        assert.deepEqual(await paidBy(id), [100, 250]);

        const other = randomUUID();
        await bench.run(named, other, { id: other });
        amounts.set(other, 250);
        await reset(bench.holdfast.get(other));
        await bench.holdfast.get(other).result();
        const { run } = await bench.finished(other);
        assert.deepEqual(await paidBy(other), [100]);
        assert.match(
          toolTexts(run)[0] ?? '',
          /invoice\/.* was done already, with another input\. Nothing was done now/,
        );
      });

      test('stays the same over continue-as-new in a batch, and changes with the turn', async () => {
        const id = randomUUID();
        const handle = await bench.holdfast.start(linked.name, id, { id });
        const { runId } = await handle.read();
        for (const call of ['1.0', '2.0']) {
          await asked(handle);
          const count = (await handle.histories()).length;
          await eventually(async () => {
            await handle.pause();
            await handle.resume();
            return (await handle.histories()).length > count;
          });
          await handle.approve(call);
        }
        await handle.result();
        await bench.finished(id);
        const [first = '', second = '', ...more] = keysOf(id);
        assert.deepEqual(more, []);
        assert.match(first, new RegExp(`^${id}/${runId}/1\\.0/`));
        assert.match(second, new RegExp(`^${id}/${runId}/2\\.0/`));
        assert.equal(first.split('/').at(-1), second.split('/').at(-1), 'of the same tool and arguments');
        assert.deepEqual(await paidBy(id), [100, 100]);
      });

      test('changes with the run, of another workflow id or the same', async () => {
        const id = randomUUID();
        await bench.run(payer, id, { id });
        await bench.run(payer, id, { id: `${id}-fork` });
        const { client } = bench.holdfast;
        const before = await client.workflow.getHandle(id).describe();
        await client.workflow.execute(WORKFLOW_TYPE, {
          workflowId: id,
          taskQueue: before.taskQueue,
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          args: [{ agent: payer.name, input: id }],
        });
        assert.equal(new Set(keysOf(id)).size, 3);
        assert.deepEqual(await paidBy(id), [100, 100, 100]);
      });
    },
    { temporal: { interceptors: { activity: [losesAnswers] } } },
  );
});
