// Events have ids that stay, and a reader that was cut off continues right after any of them: nothing is missing, nothing comes twice.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { z } from 'zod';
import { asTool, defineTool } from '../../activities/index.ts';
import type { FamilyEvent, RunEvent } from '../../client/index.ts';
import { InvalidList } from '../../client/index.ts';
import { endToEnd } from '../support/bench.ts';
import { asked } from '../support/people.ts';
import { reset, resetPoints } from '../support/resets.ts';

endToEnd(
  'ids of events',
  (bench) => {
    const look = defineTool({
      name: 'look',
      description: 'Looks.',
      input: z.object({}),
      effect: 'read',
      run: () => 'seen',
    });
    const looker = bench.agent({
      tools: [look],
      maxHistoryEvents: 1,
      script: ({ turn }) =>
        turn < 12
          ? {
              calls: [
                { tool: 'look', arguments: {} },
                { tool: 'nothing', arguments: {} },
              ],
            }
          : 'Done.',
    });
    const plain = bench.agent({
      tools: [look],
      script: ({ turn }) => (turn < 4 ? { calls: [{ tool: 'look', arguments: {} }] } : 'Done.'),
    });
    const pay = defineTool({
      name: 'pay',
      description: 'Pays.',
      input: z.object({ amount: z.number() }),
      effect: 'idempotent',
      approval: 'always',
      run: ({ amount }) => `paid ${amount}`,
    });
    const clerk = bench.agent({
      name: 'clerk',
      tools: [pay],
      script: [{ calls: [{ tool: 'pay', arguments: { amount: 7 } }] }, 'Paid.'],
    });
    const ask = asTool(clerk, { name: 'ask_clerk', description: 'Pays.', input: z.object({}) });
    const middle = bench.agent({
      name: 'middle',
      tools: [ask],
      script: [{ calls: [{ tool: 'ask_clerk', arguments: {} }] }, 'Asked.'],
    });
    const askMiddle = asTool(middle, { name: 'ask_middle', description: 'Asks.', input: z.object({}) });
    const boss = bench.agent({
      name: 'boss',
      tools: [ask, askMiddle],
      script: [
        { calls: ['ask_clerk', 'ask_middle', 'ask_clerk'].map((tool) => ({ tool, arguments: {} })) },
        'All is done.',
      ],
    });

    async function all<Event extends RunEvent>(events: AsyncIterable<Event>): Promise<Event[]> {
      const found: Event[] = [];
      // What is not in history depends on when one looks.
      for await (const event of events) if (event.id !== undefined) found.push(event);
      return found;
    }
    const idsOf = (events: readonly RunEvent[]) => events.map(({ id }) => id ?? assert.fail('an event without an id'));

    test('are the same for every reader, and continue a run of several histories', async () => {
      const handle = await bench.holdfast.start(looker.name, 'Look.');
      const live = await all(handle.events());
      assert.ok((await handle.histories()).length >= 3);
      const later = await all((await bench.connect()).get(handle.workflowId).events());
      assert.deepEqual(later, live);
      const ids = idsOf(live);
      assert.equal(new Set(ids).size, ids.length);
      for (const id of ids) assert.ok(id.length <= 45, id);
      for (const [at, id] of ids.entries())
        assert.deepEqual(await all(handle.events({ after: id })), live.slice(at + 1), `after event ${at}`);
    });

    test('continue a family after any event, with questions of sub-agents', async () => {
      const handle = await bench.holdfast.start(boss.name, 'Go.');
      const id = handle.workflowId;
      const paths = [['1.0'], ['1.1', '1.0'], ['1.2']];
      const open = new Set(paths.map(String));
      const before: FamilyEvent[] = [];
      for await (const event of handle.events({ family: true })) {
        before.push(event);
        if (event.type === 'question') open.delete(String(event.path));
        if (open.size === 0) break;
      }
      for (const { path, workflowId } of before) assert.equal(workflowId, [id, ...path].join('.'));
      for (const path of paths) {
        const clerk = bench.holdfast.get([id, ...path].join('.'));
        await asked(clerk);
        await clerk.approve();
      }
      await handle.result();
      const cursor = before.findLast((event) => event.cursor !== undefined)?.cursor;
      const rest = await all(handle.events({ family: true, after: cursor }));
      const whole = await all(handle.events({ family: true }));
      const sorted = (events: readonly RunEvent[]) => idsOf(events).toSorted();
      const seen = before.filter((event) => event.id !== undefined);
      assert.deepEqual(sorted([...seen, ...rest]), sorted(whole), 'nothing is missing, and nothing comes twice');
      const ended = whole.filter(({ type }) => type === 'ended').map(({ path }) => String(path));
      assert.deepEqual(ended.toSorted(), ['', '1.0', '1.1', '1.1,1.0', '1.2']);
      for (const at of whole.keys()) {
        // Some of them: each reads the whole family again.
        if (at % 8 !== 0) continue;
        const after = whole[at]!.cursor ?? assert.fail('an event without a cursor');
        const next = await all(handle.events({ family: true, after }));
        assert.deepEqual(sorted([...whole.slice(0, at + 1), ...next]), sorted(whole), `after event ${at}`);
      }
      const own = await all(handle.events());
      assert.deepEqual(idsOf(whole.filter(({ path }) => path.length === 0)), idsOf(own), 'in order, by the same ids');
    });

    test('follow no run of another parent that has the id of a sub-agent', async () => {
      const id = `boss-${randomUUID()}`;
      const alien = await bench.holdfast.start(clerk.name, 'Pay.', { id: `${id}.1.0` });
      await asked(alien);
      const handle = await bench.holdfast.start(boss.name, 'Go.', { id });
      const paths = new Set<string>();
      for await (const event of handle.events({ family: true })) {
        paths.add(String(event.path));
        if (event.type === 'question') await bench.holdfast.get(event.workflowId).approve();
      }
      assert.deepEqual([...paths].toSorted(), ['', '1.1', '1.1,1.0', '1.2']);
      await alien.cancel();
    });

    test('are refused where they are none', async () => {
      const handle = await bench.holdfast.start(looker.name, 'Look.');
      await handle.result();
      const [first] = await all(handle.events());
      for (const options of [{ after: 'nonsense' }, { after: '' }, { family: true, after: first?.id }] as const)
        await assert.rejects(all(handle.events(options as { after: string })), InvalidList, JSON.stringify(options));
    });

    // A reset is an operation of the server.
    bench.onServer('stay over a reset, after which what was taken back is followed by what came instead', async () => {
      const handle = await bench.holdfast.start(plain.name, 'Look.');
      await handle.result();
      const old = await all(handle.events());
      const point = resetPoints(await handle.history())[3];
      await reset(bench.holdfast, { workflowId: handle.workflowId }, point ?? assert.fail('a run with few tasks'));
      const again = bench.holdfast.get(handle.workflowId);
      await again.result();
      const now = await all(again.events());
      const kept = idsOf(now).filter((id) => idsOf(old).includes(id));
      assert.ok(kept.length >= 2 && kept.length < now.length && kept.length < old.length, `${kept.length} are kept`);
      assert.deepEqual(idsOf(now).slice(0, kept.length), kept);
      for (const after of kept)
        assert.deepEqual(idsOf(await all(again.events({ after }))), idsOf(now).slice(kept.indexOf(after) + 1));
      const takenBack = idsOf(old).at(-1);
      assert.deepEqual(await all(again.events({ after: takenBack })), now.slice(kept.length));
    });
  },
  { endsVary: true },
);
