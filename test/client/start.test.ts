// Starting, finding and following runs from a client.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { z } from 'zod';
import { defineTool } from '../../activities/index.ts';
import {
  connect,
  InvalidStart,
  NoWorker,
  type RunEvent,
  RunNotFound,
  TemporalUnreachable,
} from '../../client/index.ts';
import { endToEnd } from '../support/bench.ts';
import { eventually } from '../support/waits.ts';

endToEnd('a client', (bench) => {
  let counted = 0;
  const count = defineTool({
    name: 'count',
    description: 'Counts.',
    input: z.object({}),
    effect: 'read',
    run: () => ++counted,
  });
  const counter = bench.agent({ tools: [count], script: [{ calls: [{ tool: 'count' }] }, 'counted'] });

  test('starts one run for many starts with one id, even after its end', async () => {
    const id = `same-${randomUUID()}`;
    const before = counted;
    const start = () => bench.holdfast.start(counter.name, 'Count.', { id });
    const handles = await Promise.all(Array.from({ length: 100 }, start));
    const results = await Promise.all([...handles, await start()].map((handle) => handle.result()));
    assert.deepEqual(new Set(results.map(({ output }) => output)), new Set(['counted']));
    await (await start()).result();
    const summaries = await bench.holdfast.client.workflow.count(`WorkflowId = '${id}'`);
    assert.ok(summaries.count <= 1);
    assert.equal((await bench.finished(id)).run.turns[0]?.calls.length, 1);
    assert.ok(counted - before >= 1);
  });

  const speech = 'one two three four five six seven eight nine ten '.repeat(3);
  const speaker = bench.agent({ script: [{ text: speech }] });
  test('yields events in order', async () => {
    const run = await bench.holdfast.start(speaker.name, 'Speak.');
    const types: string[] = [];
    for await (const { type } of run.events()) if (type !== 'text' && type !== 'attempt') types.push(type);
    assert.deepEqual(types, ['started', 'model_call_started', 'answer', 'ended']);
  });

  // It stops in mid-sentence and stays there, so that there is time to receive it.
  const staller = bench.agent({ script: [{ fault: 'stall', text: speech }] });
  test('yields each piece of text once, while the model writes', async () => {
    const run = await bench.holdfast.start(staller.name, 'Speak.');
    const said: Extract<RunEvent, { type: 'text' }>[] = [];
    for await (const event of run.events()) {
      if (event.type === 'text') said.push(event);
      if (event.type === 'text' && said.length === 1) await run.cancel();
    }
    assert.equal((await run.result()).status, 'cancelled');
    let told = '';
    for (const { offset, text } of said) {
      assert.equal(offset, told.length);
      told += text;
    }
    assert.ok(told.length > 0 && told.length < speech.length && speech.startsWith(told), told);
  });

  test('stops yielding on abort, and leaves the run alone', async () => {
    const run = await bench.holdfast.start(speaker.name, 'Speak.');
    const stop = new AbortController();
    for await (const { type } of run.events({ signal: stop.signal })) if (type === 'model_call_started') stop.abort();
    assert.equal((await run.result()).status, 'completed');
  });

  const idler = bench.agent({ script: ['Here.'] });
  test('stops yielding if the signal is aborted before or at the start', async () => {
    const run = await bench.holdfast.start(idler.name, '', { session: true });
    await run.pickedUp();
    for (const delayMs of [null, 0, 1, 5]) {
      const stop = new AbortController();
      if (delayMs === null) stop.abort();
      else setTimeout(() => stop.abort(), delayMs);
      for await (const { type } of run.events({ signal: stop.signal })) assert.equal(type, 'started');
    }
    await run.close();
    await bench.finished(run.workflowId);
  });

  // Others of the suite use this server, too, and have agents of the same names.
  const lister = bench.agent({ name: `lister-${randomUUID()}`, script: ['Here.'] });
  test('lists the latest first, closed runs by their end', async () => {
    const session = await bench.holdfast.start(lister.name, '', { session: true });
    const { run } = await bench.run(lister);
    const listed = async () => {
      const runs = await bench.holdfast.list({ agent: lister.name });
      const isThere = runs.some(({ workflowId, state }) => workflowId === run.workflowId && state === 'completed');
      return isThere && runs.length > 1 && runs.map(({ workflowId }) => workflowId);
    };
    const ids = await eventually(listed);
    assert.deepEqual(ids.slice(0, 2), [run.workflowId, session.workflowId]);
    assert.equal((await bench.holdfast.list({ agent: lister.name, limit: 1 }))[0]?.workflowId, run.workflowId);
    await session.close();
    await bench.finished(session.workflowId);
  });

  test('lists the status of a run without an agent', async () => {
    if (!bench.cached) return;
    const handle = await bench.holdfast.start('nobody-has-it', 'Go.');
    assert.equal((await handle.result()).status, 'model_failed');
    const found = await eventually(async () =>
      (await bench.holdfast.list({ limit: 200 })).find(
        ({ workflowId, state }) => workflowId === handle.workflowId && state === 'completed',
      ),
    );
    assert.equal(found.status, 'model_failed');
  });

  test('yields all events of a run that is over', async () => {
    const { run } = await bench.run(counter);
    const types: string[] = [];
    for await (const { type } of bench.holdfast.get(run.workflowId).events()) types.push(type);
    assert.deepEqual(
      { firstType: types[0], callsEnded: types.filter((type) => type === 'call_ended').length, lastType: types.at(-1) },
      { firstType: 'started', callsEnded: 1, lastType: 'ended' },
    );
  });

  test('throws RunNotFound from every method for a missing run', async () => {
    const nobody = bench.holdfast.get('nobody');
    const follow = async () => {
      for await (const _ of nobody.events());
    };
    const questions = [
      nobody.result,
      nobody.read,
      nobody.describe,
      nobody.cancel,
      nobody.history,
      nobody.pickedUp,
      follow,
    ];
    for (const ask of questions)
      await assert.rejects(
        () => ask(),
        (error) => error instanceof RunNotFound && /nobody/.test(error.message),
      );
  });

  test('throws NoWorker for a task queue without workers', async () => {
    const empty = await bench.connect({ taskQueue: `empty-${randomUUID()}` });
    const run = await empty.start('counter', 'Anyone?');
    await assert.rejects(run.pickedUp(300), (error) => {
      assert.ok(error instanceof NoWorker);
      assert.deepEqual(
        { code: error.code, facts: error.facts },
        { code: 'not_picked_up', facts: { workflowId: run.workflowId, withinMs: 300 } },
      );
      return /No worker picked up .* within 0\.3 seconds/.test(error.message);
    });
    await run.cancel();
    await empty.close();
  });

  test('rejects an invalid start before it is sent', async () => {
    const start = (input: string, id?: string) =>
      bench.holdfast.start(counter.name, input, id === undefined ? {} : { id });
    const refused = (says: RegExp) => (error: unknown) => error instanceof InvalidStart && says.test(error.message);
    await assert.rejects(start(' \n'), refused(/input for .* is empty/));
    await assert.rejects(start('é'.repeat(600_000)), refused(/1,200,000 bytes; at most 1,048,576 are allowed/));
    await assert.rejects(start('Go.', ''), refused(/1 to 255 characters/));
    await assert.rejects(start('Go.', 'x'.repeat(256)), refused(/has 256/));
  });

  // In memory, there is neither an address nor another namespace.
  bench.onServer('distinguishes a missing server from a missing namespace', async () => {
    await assert.rejects(
      connect({ address: '127.0.0.1:1' }),
      (error) => error instanceof TemporalUnreachable && /127\.0\.0\.1:1/.test(error.message),
    );
    await assert.rejects(
      connect({ address: bench.address, namespace: 'nowhere' }),
      (error) => error instanceof TemporalUnreachable && /no namespace "nowhere"/.test(error.message),
    );
  });
});
