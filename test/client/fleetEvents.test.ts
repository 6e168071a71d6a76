// The events of many runs, by agent or label: of those that are open, and of those that start later. A reader that was cut off continues
// after any event.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { z } from 'zod';
import { asTool, defineTool } from '../../activities/index.ts';
import {
  type FleetEvent,
  type FleetEvents,
  type FleetOptions,
  InvalidList,
  type RunHandle,
} from '../../client/index.ts';
import type { Labels } from '../../core/types.ts';
import { endToEnd } from '../support/bench.ts';
import { asked } from '../support/people.ts';
import { reset, resetPoints } from '../support/resets.ts';
import { eventually } from '../support/waits.ts';

endToEnd(
  'events of many runs',
  (bench) => {
    const look = defineTool({
      name: 'look',
      description: 'Looks.',
      input: z.object({}),
      effect: 'read',
      run: () => 'seen',
    });
    const pay = defineTool({
      name: 'pay',
      description: 'Pays.',
      input: z.object({ amount: z.number() }),
      effect: 'idempotent',
      approval: 'always',
      run: ({ amount }) => `paid ${amount}`,
    });
    const looker = bench.agent({
      name: 'looker',
      tools: [look],
      maxHistoryEvents: 1,
      script: ({ turn }) => (turn < 4 ? { calls: [{ tool: 'look', arguments: {} }] } : 'Done.'),
    });
    const plain = bench.agent({
      name: 'plain',
      tools: [look],
      script: ({ turn }) => (turn < 3 ? { calls: [{ tool: 'look', arguments: {} }] } : 'Done.'),
    });
    const clerk = bench.agent({
      name: 'clerk',
      tools: [pay],
      script: [{ calls: [{ tool: 'pay', arguments: { amount: 7 } }] }, 'Paid.'],
    });
    const ask = asTool(clerk, { name: 'ask_clerk', description: 'Pays.', input: z.object({}) });
    const boss = bench.agent({
      name: 'boss',
      tools: [ask],
      script: [{ calls: [{ tool: 'ask_clerk', arguments: {} }] }, 'All is done.'],
    });

    const start = (agent: { name: string }, labels: Labels) => bench.holdfast.start(agent.name, 'Go.', { labels });
    const newTenant = () => ({ tenant: randomUUID() });

    /** A reader of the events, and what it has read. */
    function open(options: FleetOptions) {
      const events = bench.holdfast.events(options);
      const seen: { readonly event: FleetEvent; readonly cursor: string }[] = [];
      const iterator: AsyncIterator<FleetEvent> = events[Symbol.asyncIterator]();
      return {
        seen,
        /** Reads up to the first event, from here on, that `isLast` accepts. */
        async until(isLast: (event: FleetEvent) => boolean): Promise<void> {
          for (;;) {
            const { done, value } = await iterator.next();
            if (done) assert.fail('the events have ended');
            seen.push({ event: value, cursor: cursorOf(events) });
            if (isLast(value)) return;
          }
        },
        /** Reads up to the end of all these runs. */
        async untilOver(...handles: readonly RunHandle[]): Promise<void> {
          const open = new Set(handles.map(({ workflowId }) => workflowId));
          for (const { event } of seen) if (event.type === 'ended') open.delete(event.workflowId);
          while (open.size > 0) await this.until(({ type, workflowId }) => type === 'ended' && open.delete(workflowId));
        },
        close: () => iterator.return?.(),
      };
    }
    const cursorOf = (events: FleetEvents) => events.cursor() ?? assert.fail('no cursor after an event');

    const idOf = (event: FleetEvent) =>
      event.type === 'unreadable' || event.id === undefined ? assert.fail('an event without an id') : event.id;
    const idsOf = (seen: readonly { readonly event: FleetEvent }[]) => seen.map(({ event }) => idOf(event));

    /** The ids of the run's events in history, in order. */
    async function own({ workflowId }: { readonly workflowId: string }): Promise<string[]> {
      const ids: string[] = [];
      for await (const { id } of bench.holdfast.get(workflowId).events()) if (id !== undefined) ids.push(id);
      return ids;
    }

    test("are those of one tenant's runs, open and later, in the order of each", async () => {
      const [acme, other] = [newTenant(), newTenant()];
      const over = await start(plain, acme);
      await over.result();
      const waiting = await start(clerk, acme);
      const foreign = await start(clerk, other);
      await asked(waiting);
      await asked(foreign);
      const reader = open({ labels: acme });
      await reader.until(({ type }) => type === 'question');
      const [later, family] = [await start(looker, acme), await start(boss, acme)];
      await reader.until(({ type, workflowId }) => type === 'question' && workflowId !== waiting.workflowId);
      const child = reader.seen.at(-1)!.event.workflowId;
      assert.equal(child, `${family.workflowId}.1.0`);
      await Promise.all([waiting.approve(), foreign.approve(), bench.holdfast.get(child).approve()]);
      await reader.untilOver(waiting, later, family, bench.holdfast.get(child));
      await reader.close();

      const runs = Map.groupBy(reader.seen, ({ event }) => event.workflowId);
      const expected = [waiting.workflowId, later.workflowId, family.workflowId, child];
      assert.deepEqual([...runs.keys()].toSorted(), expected.toSorted());
      for (const [workflowId, seen] of runs) assert.deepEqual(idsOf(seen), await own({ workflowId }), workflowId);
    });

    test('continue after any of them: nothing is missing, nothing comes twice', async () => {
      const acme = newTenant();
      const waiting = await start(clerk, acme);
      await asked(waiting);
      const reader = open({ labels: acme });
      await reader.until(({ type }) => type === 'question');
      const quick = [await start(plain, acme), await start(looker, acme)];
      await reader.untilOver(...quick);
      await waiting.approve();
      await reader.untilOver(waiting);
      await reader.close();
      const whole = idsOf(reader.seen).toSorted();
      assert.equal(new Set(whole).size, whole.length);
      for (const [at, { cursor }] of reader.seen.entries()) {
        // Some of them, and the last one.
        if (at % 5 !== 0 && at < reader.seen.length - 1) continue;
        const next = open({ labels: acme, after: cursor });
        const last = await start(plain, acme);
        await next.untilOver(
          last,
          ...[...quick, waiting].filter((run) => !isOverAt(reader.seen.slice(0, at + 1), run)),
        );
        await next.close();
        const news = next.seen.filter(({ event }) => !isOneOf(lasts, event) && event.workflowId !== last.workflowId);
        lasts.push(last.workflowId);
        assert.deepEqual(idsOf([...reader.seen.slice(0, at + 1), ...news]).toSorted(), whole, `after event ${at}`);
      }
    });
    /** The runs that a test ends its reading with. */
    const lasts: string[] = [];
    const isOneOf = (ids: readonly string[], { workflowId }: FleetEvent) => ids.includes(workflowId);
    const isOverAt = (seen: readonly { readonly event: FleetEvent }[], { workflowId }: RunHandle) =>
      seen.some(({ event }) => event.type === 'ended' && event.workflowId === workflowId);

    test('are those of an agent', async () => {
      const labels = newTenant();
      const waiting = await start(boss, labels);
      const { workflowId } = await eventually(async () => (await bench.holdfast.inbox({ labels })).waiting[0]);
      const child = bench.holdfast.get(workflowId);
      const reader = open({ agent: boss.name });
      await child.approve();
      await reader.untilOver(waiting);
      await reader.close();
      assert.equal(isOverAt(reader.seen, child), false);
      assert.deepEqual(
        idsOf(reader.seen.filter(({ event }) => event.workflowId === waiting.workflowId)),
        await own(waiting),
      );
    });

    bench.onServer('go on after a reset with what came instead, of an open run and of one that is over', async () => {
      for (const agent of [clerk, plain]) {
        const acme = newTenant();
        const reader = open({ labels: acme });
        const run = await start(agent, acme);
        if (agent === clerk) await reader.until(({ type }) => type === 'question');
        else await reader.untilOver(run);
        const before = idsOf(reader.seen);
        await reset(bench.holdfast, run, resetPoints(await run.history())[1]!);
        const now = bench.holdfast.get(run.workflowId);
        if (agent === clerk) {
          await asked(now);
          await now.approve();
        }
        await now.result();
        const whole = (await own(run)).filter((id) => !before.includes(id));
        await reader.until((event) => idOf(event) === whole.at(-1));
        await reader.close();
        const [held, takenBack] = [true, false].map((holds) =>
          reader.seen.slice(before.length).filter(({ event }) => whole.includes(idOf(event)) === holds),
        );
        assert.deepEqual(idsOf(held!), whole);
        // The execution that was taken back has ended, and with it the call that waited.
        const types = takenBack!.map(({ event }) => event.type);
        assert.deepEqual(types, agent === clerk ? ['call_ended', 'ended'] : []);
      }
    });

    test('end with their signal, and where the loop is left', async () => {
      const acme = newTenant();
      const waiting = await start(clerk, acme);
      await asked(waiting);
      const stop = new AbortController();
      const types: string[] = [];
      for await (const { type } of bench.holdfast.events({ labels: acme, signal: stop.signal })) {
        types.push(type);
        if (type === 'question') stop.abort();
      }
      assert.equal(types.at(-1), 'question');
      assert.deepEqual(await Array.fromAsync(bench.holdfast.events({ labels: acme, signal: stop.signal })), []);
      for await (const { type } of bench.holdfast.events({ labels: acme })) if (type === 'question') break;
      await waiting.cancel();
    });

    test('are refused after what is no cursor of theirs', async () => {
      const acme = newTenant();
      const run = await start(plain, acme);
      await run.result();
      const [listed] = await bench.holdfast.list({ labels: acme });
      const wrong = ['', 'nonsense', listed?.cursor ?? assert.fail('it is not listed'), (await own(run))[0]!];
      const texts = [
        [],
        [-1],
        [0, 'run'],
        [0, ['run']],
        [0, ['', '']],
        [0, ['run', 'event']],
        [0, ['run', '', 7]],
        { 0: 0 },
      ];
      for (const after of [...wrong, ...texts.map((text) => Buffer.from(JSON.stringify(text)).toString('base64url'))])
        assert.throws(() => bench.holdfast.events({ after }), InvalidList, after);
      await assert.rejects(Array.fromAsync(bench.holdfast.events({ labels: { '': 'x' } })), InvalidList);
    });
  },
  { endsVary: true },
);
