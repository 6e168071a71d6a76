// A reset goes back to a workflow task, and what came after it happens again: people decide again where they have to, no effect
// happens twice, and the time between counts for nothing.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { asTool, defineTool, handoff } from '../../../activities/index.ts';
import { CommandRejected, type RunHandle, RunOver } from '../../../client/index.ts';
import { decisionIds, UPDATE } from '../../../core/names.ts';
import type { History } from '../../../core/read/history.ts';
import { endToEnd } from '../../support/bench.ts';
import { asked, inboxOf } from '../../support/people.ts';
import { reset, resetPoints } from '../../support/resets.ts';
import { conversation } from '../../support/toolTexts.ts';
import { eventually, gate } from '../../support/waits.ts';

const timersFired = ({ events }: History) =>
  (events ?? []).filter((event) => 'timerFiredEventAttributes' in event && event.timerFiredEventAttributes).length;

endToEnd(
  'a run that is reset',
  (bench) => {
    /** The keys under which each run's effects happened, its sub-agents' included. */
    const keys = new Map<string, Set<string>>();
    const paying = (name: string, approval: 'always' | undefined) =>
      defineTool({
        name,
        description: 'Pays.',
        input: z.object({ to: z.string() }),
        effect: 'idempotent',
        approval,
        run({ to }, { idempotencyKey }) {
          const [id = ''] = idempotencyKey.split(/[./]/);
          keys.set(id, (keys.get(id) ?? new Set()).add(idempotencyKey));
          return `paid ${to}`;
        },
      });
    const pay = paying('pay', undefined);
    const payApproved = paying('pay_approved', 'always');
    const pays = (tool: string, ...to: string[]) => ({ calls: to.map((to) => ({ tool, arguments: { to } })) });

    /** Approves whatever the run or its sub-agents ask, until it has ended. */
    async function approveAll(handle: RunHandle): Promise<void> {
      const ended = handle.result().then(() => true as const);
      for (;;) {
        const isOver = await Promise.race([ended, sleep(20, false)]);
        if (isOver) return;
        for (const { workflowId, questions } of await inboxOf(bench.holdfast, handle.workflowId))
          for (const question of questions) {
            if (question.kind !== 'approval') continue;
            try {
              await bench.holdfast.get(workflowId).approve(question.call, { by: 'ann' });
            } catch (error) {
              // The inbox may be older than the decision.
              if (!(error instanceof CommandRejected || error instanceof RunOver)) throw error;
            }
          }
      }
    }

    const approved = bench.agent({ tools: [payApproved], script: [pays('pay_approved', 'ann', 'bob'), 'Done.'] });
    const below = bench.agent({ tools: [pay], script: [pays('pay', 'ann'), 'Below is done.'] });
    const belowApproved = bench.agent({ tools: [payApproved], script: [pays('pay_approved', 'bob'), 'Below too.'] });
    const above = bench.agent({
      tools: [
        asTool(below, { name: 'below', description: 'Pays.' }),
        asTool(belowApproved, { name: 'below_approved', description: 'Pays, if it may.' }),
      ],
      script: [
        {
          calls: [
            { tool: 'below', arguments: { input: 'Pay.' } },
            { tool: 'below_approved', arguments: { input: 'Pay.' } },
          ],
        },
        'Done.',
      ],
    });
    const session = bench.agent({
      tools: [pay],
      script: ({ results, messages }) =>
        results.length > 0 ? 'Done.' : pays('pay', `number ${messages.filter(({ role }) => role === 'user').length}`),
    });
    const compacted = bench.agent({
      tools: [pay],
      compaction: { limitTokens: 400, keepTurns: 1, compact: 'drop-oldest' },
      script: ({ turn }) => (turn <= 4 ? pays('pay', `number ${turn} ${'.'.repeat(400)}`) : 'Done.'),
    });
    const second = bench.agent({ tools: [pay], script: ({ turn }) => (turn === 3 ? pays('pay', 'bob') : 'Done.') });
    const first = bench.agent({
      tools: [pay, handoff(second, { description: 'The second.' })],
      script: ({ turn }) =>
        turn === 1 ? pays('pay', 'ann') : { calls: [{ tool: `hand_off_to_${second.name}`, arguments: {} }] },
    });

    const kinds = {
      approvals: { agent: approved, effects: 2, drive: approveAll },
      'sub-agents': { agent: above, effects: 2, drive: approveAll },
      'a session': {
        agent: session,
        effects: 3,
        start: { session: true },
        async drive(handle: RunHandle) {
          for (const text of ['two', 'three']) await handle.ask(text, { id: text });
          await handle.close();
          await handle.result();
        },
      },
      compaction: { agent: compacted, effects: 4, drive: async (handle: RunHandle) => void (await handle.result()) },
      handoff: { agent: first, effects: 2, drive: async (handle: RunHandle) => void (await handle.result()) },
    };

    for (const [name, kind] of Object.entries(kinds))
      test(`ends as before after a reset to any of its workflow tasks: ${name}`, async () => {
        const id = `reset-${randomUUID()}`;
        const handle = await bench.holdfast.start(kind.agent.name, 'Pay.', { id, ...('start' in kind && kind.start) });
        await kind.drive(handle);
        const { run, history } = await bench.finished(id);
        assert.equal(run.status, 'completed');
        const before = { keys: [...(keys.get(id) ?? [])].sort(), conversation: conversation(run) };
        assert.equal(before.keys.length, kind.effects);
        for (const point of resetPoints(history)) {
          await reset(bench.holdfast, { workflowId: id, runId: run.runId }, point);
          const again = bench.holdfast.get(id);
          // The server sends the commands from after the point again, so a session goes on by itself.
          if (name === 'a session') await again.result();
          else await kind.drive(again);
          const finished = await bench.finished(id);
          assert.deepEqual(
            {
              point,
              status: finished.run.status,
              conversation: conversation(finished.run),
              keys: [...(keys.get(id) ?? [])].sort(),
            },
            { point, status: 'completed', ...before },
          );
        }
      });

    test('can be approved although another update had the id of the decision', async () => {
      const handle = await bench.holdfast.start(approved.name, 'Pay.');
      const [call, other] = await asked(handle, 2);
      const [updateId] = decisionIds(call!.call, call!.digest);
      await bench.holdfast.client.workflow
        .getHandle(handle.workflowId)
        .executeUpdate(UPDATE.pause, { args: [{}], updateId: updateId! });
      await handle.resume();
      const decided = await handle.approve(call!.call, { by: 'ann' });
      assert.deepEqual(
        { call: decided.call, verdict: decided.verdict, isFirst: decided.isFirst },
        {
          call: call!.call,
          verdict: 'approve',
          isFirst: true,
        },
      );
      await handle.approve(other!.call);
      assert.equal((await handle.result()).status, 'completed');
    });

    let opened = Promise.resolve();
    const hold = defineTool({
      name: 'hold',
      description: 'Waits.',
      input: z.object({}),
      effect: 'read',
      run: () => opened,
    });
    const timed = bench.agent({
      timeLimit: '3 s',
      budget: { activeTime: '3 s' },
      tools: [hold],
      script: [{ calls: [{ tool: 'hold' }] }, { calls: [{ tool: 'hold' }] }, 'Done.'],
    });
    test('counts no time between its past and the reset', async () => {
      const { run, history } = await bench.run(timed);
      await sleep(4_000);
      const points = resetPoints(history);
      const middle = points[Math.floor(points.length / 2)]!;
      for (const point of [points[0]!, middle, points.at(-1)!]) {
        const { opened: passed, open } = gate();
        opened = passed;
        await reset(bench.holdfast, { workflowId: run.workflowId, runId: run.runId }, point);
        const handle = bench.holdfast.get(run.workflowId);
        // The timer of the limit is from before the reset: it fires at once, while the second call runs.
        if (point === middle) await eventually(async () => timersFired(await handle.history()) > 0);
        open();
        await handle.result();
        const { result } = await bench.finished(run.workflowId);
        assert.deepEqual({ point, status: result.status }, { point, status: 'completed' });
        assert.ok(result.spend.activeMs < 3_000, `active for ${result.spend.activeMs} ms`);
      }
    });
  },
  // A reset is an operation of the server.
  { onServer: true },
);
