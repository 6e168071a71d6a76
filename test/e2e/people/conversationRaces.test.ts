// Messages and commands race with what a run does by itself. Whatever was accepted takes effect.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { defineTool } from '../../../activities/index.ts';
import type { ScriptedRequest } from '../../../activities/testing/index.ts';
import { CommandRejected, type RunHandle, RunOver } from '../../../client/index.ts';
import { type RunEvent, toolCalls } from '../../../core/read/run.ts';
import { endToEnd } from '../../support/bench.ts';
import { ROUNDS, type Round, race } from '../../support/races.ts';

/** Whether a command was accepted; it may only be refused because the run ends. */
async function isAccepted(request: Promise<unknown>): Promise<boolean> {
  try {
    await request;
    return true;
  } catch (error) {
    const isEnd = error instanceof RunOver || (error instanceof CommandRejected && /about to end/.test(error.message));
    if (!isEnd) throw error;
    return false;
  }
}

function userTexts({ messages }: ScriptedRequest): string[] {
  return messages.flatMap(({ role, content }) => (role === 'user' && content !== null ? [content] : []));
}

endToEnd(
  'races in a conversation',
  (bench) => {
    const idOf = (name: string, { seed }: Round) => `${name}-${bench.mode}-${seed}`;
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
        const [toolMs = 0, modelMs = 0] = (userTexts(request)[0] ?? '').split(' ').map(Number);
        if (request.turn === 1) return { calls: [{ tool: 'nap', arguments: { ms: toolMs } }] };
        return { text: userTexts(request).slice(1).join(' ') || 'Done.', delayMs: modelMs };
      },
    });
    const start = (id: string, toolMs: number, modelMs: number) =>
      bench.holdfast.start(worker.name, `${toolMs} ${modelMs}`, { id });

    async function untilEvent(handle: RunHandle, is: (event: RunEvent) => boolean): Promise<void> {
      for await (const event of handle.events()) if (is(event)) return;
    }

    test('sends the model every accepted steer, and no refused one', async () => {
      await race({ sees: ['all', 'late'], close: { inTime: 'all', waitMs: 30 } }, async (round) => {
        const { below: random, waitMs } = round;
        const id = idOf('steer', round);
        const handle = await start(id, 0, random(40));
        await untilEvent(handle, (event) => event.type === 'model_call_started' && event.turn === 2);
        const taken: string[] = [];
        for (const text of ['one', 'two', 'three']) {
          await sleep(waitMs);
          if (await isAccepted(handle.steer(text))) taken.push(text);
        }
        const { result, run } = await bench.finished(id);
        assert.deepEqual(run.turns.flatMap((turn) => turn.userMessages).slice(1), taken);
        assert.deepEqual(
          { status: result.status, output: result.output },
          { status: 'completed', output: taken.join(' ') || 'Done.' },
        );
        return taken.length === 3 ? 'all' : 'late';
      });
    });

    const chat = bench.agent({ idleTimeout: '300 ms', script: (request) => userTexts(request).join(' ') });
    test('answers every message accepted before the idle timeout, and no refused one', async () => {
      await race({ sees: ['in time', 'late'], close: { inTime: 'in time', waitMs: 300 } }, async (round) => {
        const { below: random, waitMs } = round;
        const id = idOf('idle', round);
        const handle = await bench.holdfast.start(chat.name, 'a', { id, session: true });
        await untilEvent(handle, (event) => event.type === 'reply');
        await sleep(waitMs);
        const waits = random(2) === 0;
        const isIn = await isAccepted(
          waits ? handle.ask('b').then(({ output }) => assert.equal(output, 'a b')) : handle.send('b'),
        );
        const { result } = await bench.finished(id);
        assert.deepEqual(
          { status: result.status, output: result.output },
          { status: 'completed', output: isIn ? 'a b' : 'a' },
        );
        return isIn ? 'in time' : 'late';
      });
    });

    for (const [command, status] of [
      ['cancel', 'cancelled'],
      ['stop', 'stopped'],
    ] as const)
      test(`ends a run once for ${command} against completion`, async () => {
        await race({ sees: [status, 'completed'], close: { inTime: status, waitMs: 80 } }, async (round) => {
          const { below: random, waitMs } = round;
          const id = idOf(command, round);
          const handle = await start(id, random(20), random(20));
          await untilEvent(handle, (event) => event.type === 'model_call_started');
          await sleep(waitMs);
          const isIn = await isAccepted(handle[command]());
          const { result, run } = await bench.finished(id);
          if (result.status !== status)
            assert.deepEqual(
              { status: result.status, output: result.output },
              { status: 'completed', output: 'Done.' },
            );
          else assert.ok(isIn);
          assert.ok(toolCalls(run).every(({ ok }) => ok !== null));
          return result.status;
        });
      });

    const linked = bench.agent({
      maxHistoryEvents: 20,
      tools: [nap],
      script: (request) => {
        const said = userTexts(request);
        if (said.length % 3 === 0 && request.results.length === 0)
          return { calls: [{ tool: 'nap', arguments: { ms: 5 } }] };
        return `answers ${said.at(-1)}`;
      },
    });
    test('answers each accepted message once and in order over continue-as-new', async () => {
      let continued = 0;
      await race({ sees: ['answered'] }, async (round) => {
        const { below: random } = round;
        const id = idOf('links', round);
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
          run.turns.flatMap((turn) => turn.userMessages),
          texts,
        );
        const replies: string[] = [];
        for await (const event of handle.events()) {
          if (event.type === 'reply') replies.push(`${event.reply.message} ${event.reply.output}`);
          if (event.type === 'continued') continued += 1;
        }
        assert.deepEqual(
          replies,
          texts.map((text, at) => `${at + 1} answers ${text}`),
        );
        return 'answered';
      });
      assert.ok(continued >= ROUNDS, `continued as new ${continued} times`);
    });

    test("delivers an interrupt's message, and settles the call once", async () => {
      await race({ sees: ['ended', 'cancelled'], close: { inTime: 'cancelled', waitMs: 200 } }, async (round) => {
        const { below: random, waitMs } = round;
        const id = idOf('interrupt', round);
        // A tool learns of it with its next heartbeat: long ones are stopped, short ones are over by then.
        const handle = await start(id, 300 + random(2_000), 0);
        await untilEvent(handle, (event) => event.type === 'call_scheduled');
        await sleep(waitMs);
        const isIn = await isAccepted(handle.interrupt('now'));
        const { result, run } = await bench.finished(id);
        const [call] = toolCalls(run);
        assert.deepEqual(
          { status: result.status, output: result.output },
          { status: 'completed', output: isIn ? 'now' : 'Done.' },
        );
        assert.deepEqual(run.turns.flatMap((turn) => turn.userMessages).slice(1), isIn ? ['now'] : []);
        assert.ok(call?.ok || call?.kind === 'cancelled');
        return call.ok ? 'ended' : 'cancelled';
      });
    });
  },
  { endsVary: true },
);
