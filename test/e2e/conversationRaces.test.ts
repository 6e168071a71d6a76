// What people say and do races with what a run does by itself: whoever is first, what was accepted holds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { defineTool } from '../../activities/index.ts';
import type { ScriptedRequest } from '../../activities/testing/index.ts';
import { OrderRefused, type RunHandle, RunOver } from '../../client/index.ts';
import { type RunEvent, toolCalls } from '../../core/run.ts';
import { type Bench, endToEnd } from '../support/bench.ts';
import { seeded } from '../support/people.ts';
import { tally } from '../support/said.ts';

const ROUNDS = 30;
const AT_ONCE = 8;

interface Round {
  readonly id: string;
  /** A whole number from 0 to below `max`, by the round's seed. */
  random(max: number): number;
  /** How long to wait before the order. */
  readonly waitMs: number;
}

interface Race {
  /** The outcome of an order that came in time: the next rounds wait longer; else less, so that it stays close. */
  readonly inTime: string;
  readonly waitMs: number;
}

/** Plays the rounds; gives how often each outcome was seen. A round that fails says its seed. */
async function race(
  bench: Bench,
  name: string,
  { inTime, waitMs }: Race,
  play: (round: Round) => Promise<string>,
): Promise<(outcome: string) => number> {
  const first = Date.now() % 1_000_000;
  const outcomes = tally();
  let aboutMs = waitMs;
  let next = 0;
  const player = async () => {
    for (let at = next++; at < ROUNDS; at = next++) {
      const seed = first + at;
      const drawn = seeded(seed);
      const random = (max: number) => Math.floor(drawn() * max);
      const id = `${name}-${bench.cached ? 'cached' : 'replaying'}-${seed}`;
      const outcome = await play({ id, random, waitMs: random(2 * aboutMs) }).catch((error) => {
        throw new Error(`${name}, seed ${seed}`, { cause: error });
      });
      outcomes.add(outcome);
      aboutMs = outcome === inTime ? aboutMs * 1.25 + 5 : aboutMs * 0.8;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, player));
  return outcomes.of;
}

/** Whether an order was taken; it may only be refused because of the end. */
async function isTaken(order: Promise<unknown>): Promise<boolean> {
  try {
    await order;
    return true;
  } catch (error) {
    const isEnd = error instanceof RunOver || (error instanceof OrderRefused && /about to end/.test(error.message));
    if (!isEnd) throw error;
    return false;
  }
}

function heard({ messages }: ScriptedRequest): string[] {
  return messages.flatMap(({ role, content }) => (role === 'user' && content !== null ? [content] : []));
}

endToEnd('races in a conversation', (bench) => {
  const nap = defineTool({
    name: 'nap',
    description: 'Takes its time.',
    input: z.object({ ms: z.number() }),
    effect: 'read',
    heartbeat: '1 s',
    run: async ({ ms }, { signal }) => {
      await sleep(ms, undefined, { signal });
      return 'slept';
    },
  });
  /** Its input is how long its tool takes and how long its last answer takes. */
  const worker = bench.agent({
    tools: [nap],
    script: (request) => {
      const [toolMs = 0, modelMs = 0] = (heard(request)[0] ?? '').split(' ').map(Number);
      if (request.turn === 1) return { calls: [{ tool: 'nap', arguments: { ms: toolMs } }] };
      return { text: heard(request).slice(1).join(' ') || 'Done.', delayMs: modelMs };
    },
  });
  const start = (id: string, toolMs: number, modelMs: number) =>
    bench.holdfast.start(worker.name, `${toolMs} ${modelMs}`, { id });

  async function untilEvent(handle: RunHandle, is: (event: RunEvent) => boolean): Promise<void> {
    for await (const event of handle.events()) if (is(event)) return;
  }

  test('steer against the last turn: what was accepted is heard, and what was refused is not', async () => {
    const times = await race(bench, 'steer', { inTime: 'all', waitMs: 30 }, async ({ id, random, waitMs }) => {
      const handle = await start(id, 0, random(40));
      await untilEvent(handle, (event) => event.type === 'asked' && event.turn === 2);
      const taken: string[] = [];
      for (const text of ['one', 'two', 'three']) {
        await sleep(waitMs);
        if (await isTaken(handle.steer(text))) taken.push(text);
      }
      const { result, run } = await bench.finished(id);
      assert.deepEqual(run.turns.flatMap((turn) => turn.heard).slice(1), taken);
      assert.deepEqual([result.status, result.output], ['completed', taken.join(' ') || 'Done.']);
      return taken.length === 3 ? 'all' : 'late';
    });
    assert.ok(times('all') > 0 && times('late') > 0, `${times('all')} were heard whole, ${times('late')} not`);
  });

  const chat = bench.agent({ idleTimeout: '300 ms', script: (request) => heard(request).join(' ') });
  test('a message against the idle end: what was accepted is answered, and what was refused never was taken', async () => {
    const times = await race(bench, 'idle', { inTime: 'in time', waitMs: 300 }, async ({ id, random, waitMs }) => {
      const handle = await bench.holdfast.start(chat.name, 'a', { id, session: true });
      await untilEvent(handle, (event) => event.type === 'replied');
      await sleep(waitMs);
      const waits = random(2) === 0;
      const isIn = await isTaken(
        waits ? handle.ask('b').then(({ output }) => assert.equal(output, 'a b')) : handle.send('b'),
      );
      const { result } = await bench.finished(id);
      assert.deepEqual([result.status, result.output], ['completed', isIn ? 'a b' : 'a']);
      return isIn ? 'in time' : 'late';
    });
    assert.ok(times('in time') > 0 && times('late') > 0, `${times('in time')} in time, ${times('late')} late`);
  });

  for (const [order, status] of [
    ['cancel', 'cancelled'],
    ['stop', 'stopped'],
  ] as const)
    test(`${order} against completion: the run ends as one or the other, in good order`, async () => {
      const times = await race(bench, order, { inTime: status, waitMs: 80 }, async ({ id, random, waitMs }) => {
        const handle = await start(id, random(20), random(20));
        await untilEvent(handle, (event) => event.type === 'asked');
        await sleep(waitMs);
        const isIn = await isTaken(handle[order]());
        const { result, run } = await bench.finished(id);
        if (result.status !== status) assert.deepEqual([result.status, result.output], ['completed', 'Done.']);
        else assert.ok(isIn);
        assert.ok(toolCalls(run).every(({ ok }) => ok !== null));
        return result.status;
      });
      assert.equal(times(status) + times('completed'), ROUNDS);
      assert.ok(times(status) > 0 && times('completed') > 0, `${times(status)} were ${status}`);
    });

  const linked = bench.agent({
    linkEvents: 20,
    tools: [nap],
    script: (request) => {
      const said = heard(request);
      if (said.length % 3 === 0 && request.results.length === 0)
        return { calls: [{ tool: 'nap', arguments: { ms: 5 } }] };
      return `answers ${said.at(-1)}`;
    },
  });
  test('messages against continue-as-new: each that was accepted is answered once and in order', async () => {
    let links = 0;
    await race(bench, 'links', { inTime: '', waitMs: 0 }, async ({ id, random }) => {
      const handle = await bench.holdfast.start(linked.name, '', { id, session: true });
      const texts: string[] = [];
      await Promise.all(
        [0, 1].map(async (sender) => {
          for (const at of [0, 1, 2]) {
            await sleep(random(60));
            const text = `${sender}.${at}`;
            if (random(2) === 0) {
              const { message, output } = await handle.ask(text);
              texts[message - 1] = text;
              assert.equal(output, `answers ${text}`);
            } else texts[(await handle.send(text)).message - 1] = text;
          }
        }),
      );
      assert.equal(texts.filter(Boolean).length, 6, 'each has a number of its own');
      await handle.close();
      const { result, run } = await bench.finished(id);
      assert.equal(result.status, 'completed');
      assert.deepEqual(
        run.turns.flatMap((turn) => turn.heard),
        texts,
      );
      const replies: string[] = [];
      for await (const event of handle.events()) {
        if (event.type === 'replied') replies.push(`${event.reply.message} ${event.reply.output}`);
        if (event.type === 'continued') links += 1;
      }
      assert.deepEqual(
        replies,
        texts.map((text, at) => `${at + 1} answers ${text}`),
      );
      return 'answered';
    });
    assert.ok(links >= ROUNDS, `${links} links`);
  });

  test('interrupt against the end of a tool: the message is heard, and the call is what it was', async () => {
    const times = await race(
      bench,
      'interrupt',
      { inTime: 'cancelled', waitMs: 200 },
      async ({ id, random, waitMs }) => {
        // A tool hears of it with its next heartbeat: long ones are stopped, short ones are over by then.
        const handle = await start(id, 300 + random(2_000), 0);
        await untilEvent(handle, (event) => event.type === 'call_scheduled');
        await sleep(waitMs);
        const isIn = await isTaken(handle.interrupt('now'));
        const { result, run } = await bench.finished(id);
        const [call] = toolCalls(run);
        assert.deepEqual([result.status, result.output], ['completed', isIn ? 'now' : 'Done.']);
        assert.deepEqual(run.turns.flatMap((turn) => turn.heard).slice(1), isIn ? ['now'] : []);
        assert.ok(call?.ok || call?.kind === 'cancelled');
        return call.ok ? 'ended' : 'cancelled';
      },
    );
    assert.ok(times('ended') > 0 && times('cancelled') > 0, `${times('ended')} ended, ${times('cancelled')} cancelled`);
  });
});
