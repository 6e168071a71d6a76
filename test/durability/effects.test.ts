// What happens to a call whose worker ends: calls that may run again do, with the same key; a once call does not, and is
// reported as unknown. The table is in docs/effects.md.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { TOOL_LOST } from '../../core/limits.ts';
import { toolCalls } from '../../core/read/run.ts';
import { type Entry, readLedger, untilLedger } from '../support/ledger.ts';
import { serverAddress } from '../support/server.ts';
import { scripts } from './effectsAgent.ts';
import { openCase } from './openCase.ts';

const cast = { module: new URL('./effectsAgent.ts', import.meta.url), scripts };
const TOOLS = ['look', 'put', 'send'];

/** Entries of a tool: its calls have names with their keys. */
const of = (entries: readonly Entry[], tool: string, what: Entry['what']) =>
  entries.filter((entry) => entry.what === what && entry.call.startsWith(`${tool} `));

const allStarted = (entries: readonly Entry[]) => TOOLS.every((tool) => of(entries, tool, 'started').length >= 1);
const times = (entries: readonly Entry[], what: Entry['what']) => TOOLS.map((tool) => of(entries, tool, what).length);

for (const [mode, cache] of [
  ['cached workflows', {}],
  ['replaying every task', { maxCachedWorkflows: 0 }],
] as const)
  describe(`a worker that ends with a call of each effect in flight (${mode})`, { concurrency: 2 }, () => {
    let address: string;
    before(async () => {
      address = await serverAddress();
    });

    async function inFlight(manner: string, options: Parameters<typeof openCase>[2] = {}) {
      const here = await openCase(address, cast, { ...cache, ...options });
      const worker = await here.worker();
      const run = await here.holdfast.start('hands', manner, { id: `${manner}-${randomUUID()}` });
      await untilLedger(here.ledger, allStarted);
      return { ...here, worker, run, next: here.worker };
    }

    /** Waits for the run's end, and gives its calls and the ledger. */
    async function outcome({ run, ledger }: Awaited<ReturnType<typeof inFlight>>) {
      const { status } = await run.result();
      const calls = toolCalls(await run.read());
      const entries = readLedger(ledger);
      for (const tool of TOOLS)
        assert.equal(new Set(of(entries, tool, 'started').map(({ call }) => call)).size, 1, `${tool} has one key`);
      return {
        status,
        entries,
        kinds: calls.map(({ kind }) => kind),
        attempts: calls.map(({ attempts }) => attempts),
        sent: JSON.parse(calls[2]?.text ?? '') as { error?: string; attempt?: number },
      };
    }

    test('SIGKILL: read and idempotent calls run again, a once call is unknown', async () => {
      const here = await inFlight('hangs');
      await here.worker.end('SIGKILL');
      await here.next();
      const { status, entries, kinds, attempts, sent } = await outcome(here);
      assert.equal(status, 'completed');
      assert.deepEqual(kinds, [null, null, 'outcome_unknown']);
      assert.deepEqual(attempts, [2, 2, 1]);
      assert.deepEqual(
        { started: times(entries, 'started'), ended: times(entries, 'ended') },
        { started: [2, 2, 1], ended: [1, 1, 0] },
      );
      assert.match(sent.error ?? '', /^the worker that ran it was lost .*; it may or may not have happened: check/);
      await here.close();
    });

    for (const manner of ['listens', 'hangs'])
      test(`SIGTERM, with too short a grace for a tool that ${manner}: the same, at once`, async () => {
        const here = await inFlight(manner, { temporal: { shutdownGraceTime: '500 ms' } });
        const ended = here.worker.end('SIGTERM');
        await here.next();
        const { status, entries, kinds, attempts, sent } = await outcome(here);
        assert.deepEqual({ status, kinds }, { status: 'completed', kinds: [null, null, 'outcome_unknown'] });
        assert.deepEqual(attempts, [2, 2, 1]);
        assert.deepEqual(times(entries, 'started'), [2, 2, 1]);
        assert.match(sent.error ?? '', /^stopped while it ran; it may or may not have happened: check/);
        assert.deepEqual(await ended, { code: 0, signal: null });
        await here.close();
      });

    test('SIGTERM, with enough grace: all calls finish', async () => {
      const here = await inFlight('quick');
      assert.deepEqual(await here.worker.end('SIGTERM'), { code: 0, signal: null });
      await here.next();
      const { status, entries, kinds, attempts, sent } = await outcome(here);
      assert.deepEqual(
        { status, kinds, sent },
        { status: 'completed', kinds: [null, null, null], sent: { attempt: 1 } },
      );
      assert.deepEqual(attempts, [1, 1, 1]);
      assert.deepEqual(
        { started: times(entries, 'started'), ended: times(entries, 'ended') },
        { started: [1, 1, 1], ended: [1, 1, 1] },
      );
      await here.close();
    });

    test('an event loop that a neighbour blocks: read and idempotent calls run again on another worker', async () => {
      const here = await inFlight('blocked');
      await here.next();
      const { status, entries, kinds, attempts } = await outcome(here);
      assert.deepEqual({ status, kinds }, { status: 'completed', kinds: [null, null, 'outcome_unknown'] });
      for (const attempt of attempts.slice(0, 2)) assert.ok(attempt > 1, `attempt ${attempt}`);
      assert.equal(of(entries, 'send', 'started').length, 1);
      await here.close();
    });

    test('SIGSTOP beyond the heartbeat: the late result is ignored, once is unknown', async () => {
      const here = await inFlight('frozen');
      here.worker.signal('SIGSTOP');
      await here.next();
      await here.run.result();
      const before = await here.run.read();
      here.worker.signal('SIGCONT');
      await untilLedger(here.ledger, (found) => of(found, 'send', 'ended').length === 1);
      const { status, entries, kinds, attempts, sent } = await outcome(here);
      // The server gives further attempts of the others to the open polls of the one that is stopped. They are lost, too, but
      // nobody began them, so they do not count.
      assert.deepEqual(
        { status, kinds, thirdAttempt: attempts[2] },
        { status: 'completed', kinds: [null, null, 'outcome_unknown'], thirdAttempt: 1 },
      );
      for (const attempt of attempts.slice(0, 2)) assert.ok(attempt > 1, `attempt ${attempt}`);
      assert.equal(of(entries, 'send', 'started').length, 1);
      assert.match(sent.error ?? '', /no heartbeat for 2 seconds/);
      assert.deepEqual((await here.run.read()).transcript, before.transcript);
      await here.close();
    });
  });

test('a tool that kills its worker does so six times, and is unknown then', async () => {
  const here = await openCase(await serverAddress(), cast);
  const run = await here.holdfast.start('hands', 'kills');
  const ended = run.result().then((result) => ({ result }));
  for (;;) {
    const worker = await here.worker();
    const now = await Promise.race([ended, worker.exited]);
    if (!('result' in now)) continue;
    const [call] = toolCalls(await run.read());
    assert.deepEqual(
      { status: now.result.status, kind: call?.kind, started: of(readLedger(here.ledger), 'put', 'started').length },
      { status: 'completed', kind: 'outcome_unknown', started: TOOL_LOST.begunMax + 1 },
    );
    assert.match(call?.text ?? '', /was lost, 6 times in a row; it may or may not have happened/);
    break;
  }
  await here.close();
});
