// A run survives its workers: killed, shut down, or gone with the server.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Holdfast, Run } from '../../client/index.ts';
import type { History } from '../../core/read/history.ts';
import { type DevServer, startDevServer } from '../../worker/dev/devServer.ts';
import { type Entry, readLedger, untilLedger } from '../support/ledger.ts';
import { serverAddress } from '../support/server.ts';
import { scripts } from './agents.ts';
import { openCase } from './openCase.ts';

const module = new URL('./agents.ts', import.meta.url);

const times = (entries: readonly Entry[], what: string, call: string) =>
  entries.filter((entry) => entry.what === what && entry.call === call).length;

/** Resolves when the server has recorded that many ended activities of the run. */
async function untilRecorded(holdfast: Holdfast, id: string, calls: number): Promise<void> {
  let ended = 0;
  for await (const event of holdfast.get(id).events()) {
    if (event.type === 'call_ended') ended += 1;
    if (ended === calls) return;
  }
}

const essence = (run: Run) => ({ status: run.status, output: run.output, transcript: run.transcript });

for (const [mode, maxCached] of [
  ['cached workflows', undefined],
  ['replaying every task', 0],
] as const)
  describe(`a worker that dies (${mode})`, { concurrency: 2 }, () => {
    let address: string;
    before(async () => {
      address = await serverAddress();
    });

    test('SIGKILL in a batch: finished calls do not run again, and the run completes', async () => {
      const here = await openCase(
        address,
        { module, scripts },
        maxCached === undefined ? {} : { maxCachedWorkflows: maxCached },
      );
      const doomed = await here.worker();
      const run = await here.holdfast.start('crew', 'wait', { id: `killed-${randomUUID()}` });
      await untilLedger(here.ledger, (entries) => times(entries, 'started', 'd') === 1);
      await untilRecorded(here.holdfast, run.workflowId, 3);
      await doomed.end('SIGKILL');
      await here.worker();
      await run.result();

      const entries = readLedger(here.ledger);
      for (const call of ['a', 'b', 'c']) assert.equal(times(entries, 'started', call), 1, `${call} ran once`);
      assert.deepEqual(
        { started: times(entries, 'started', 'd'), ended: times(entries, 'ended', 'd') },
        { started: 2, ended: 1 },
      );
      const killed = await run.read();
      assert.equal(killed.turns[0]?.calls[3]?.attempts, 2);
      assert.equal(
        firstFailure(await run.history(), '1.3'),
        'HEARTBEAT',
        'noticed by its heartbeat, not by its timeout of 60 s',
      );

      const calm = await here.holdfast.start('crew', 'calm', { id: `calm-${randomUUID()}` });
      await calm.result();
      const undisturbed = await calm.read();
      const asked = (transcript: Run['transcript']) =>
        JSON.parse(
          JSON.stringify(transcript).replaceAll('\\"waits\\":true', '\\"waits\\":false').replace('"wait"', '"calm"'),
        );
      assert.deepEqual({ ...essence(killed), transcript: asked(killed.transcript) }, essence(undisturbed));
      await here.close();
    });

    test('SIGKILL in a model call: the model is called again', async () => {
      const here = await openCase(
        address,
        { module, scripts },
        maxCached === undefined ? {} : { maxCachedWorkflows: maxCached },
      );
      const doomed = await here.worker();
      const run = await here.holdfast.start('crew', 'hang', { id: `asked-${randomUUID()}` });
      await here.model.until((requests) => requests.some(({ fault }) => fault === 'hang'));
      await doomed.end('SIGKILL');
      await here.worker();
      const result = await run.result();
      assert.deepEqual(
        { status: result.status, output: result.output },
        { status: 'completed', output: '[{"done":"a"}]' },
      );
      const turns = (await run.read()).turns;
      assert.deepEqual(
        turns.map(({ attempts }) => attempts),
        [2, 1],
      );
      assert.equal(here.model.countRequests(), 3);
      await here.close();
    });

    test('SIGKILL in a once tool: the model reads outcome_unknown', async () => {
      const here = await openCase(
        address,
        { module, scripts },
        maxCached === undefined ? {} : { maxCachedWorkflows: maxCached },
      );
      const doomed = await here.worker();
      const run = await here.holdfast.start('crew', 'pay', { id: `pay-${randomUUID()}` });
      await untilLedger(here.ledger, (entries) => times(entries, 'started', 'p') === 1);
      await doomed.end('SIGKILL');
      await here.worker();
      await run.result();
      assert.equal(times(readLedger(here.ledger), 'started', 'p'), 1);
      assert.deepEqual(
        (await run.read()).turns[0]?.calls.map(({ tool, kind }) => [tool, kind]),
        [
          ['pay', 'outcome_unknown'],
          ['step', null],
        ],
      );
      await here.close();
    });

    test('SIGTERM: calls in flight finish, and the process exits', async () => {
      const here = await openCase(
        address,
        { module, scripts },
        maxCached === undefined ? {} : { maxCachedWorkflows: maxCached },
      );
      const leaving = await here.worker();
      const run = await here.holdfast.start('crew', 'take 1500 ms', { id: `term-${randomUUID()}` });
      await untilLedger(here.ledger, (entries) =>
        ['a', 'b', 'c', 'd'].every((call) => times(entries, 'started', call) === 1),
      );
      assert.deepEqual(await leaving.end('SIGTERM'), { code: 0, signal: null });
      const entries = readLedger(here.ledger);
      for (const call of ['a', 'b', 'c', 'd'])
        assert.equal(times(entries, 'ended', call), 1, `${call} finished before the process ended`);
      await here.worker();
      assert.equal((await run.result()).status, 'completed');
      const calls = (await run.read()).turns[0]?.calls ?? [];
      assert.deepEqual(
        calls.map(({ ok, attempts }) => [ok, attempts]),
        Array.from({ length: 4 }, () => [true, 1]),
      );
      await here.close();
    });
  });

/** Why the attempt before the last failed, from what the started event keeps of it. */
function firstFailure(history: History, activityId: string): string | undefined {
  const events = history.events ?? [];
  const scheduled = events.find((event) => event.activityTaskScheduledEventAttributes?.activityId === activityId);
  const started = events.find(
    (event) => String(event.activityTaskStartedEventAttributes?.scheduledEventId) === String(scheduled?.eventId),
  );
  const failure = (
    started?.activityTaskStartedEventAttributes as { lastFailure?: { timeoutFailureInfo?: { timeoutType?: number } } }
  )?.lastFailure;
  // 4 is TIMEOUT_TYPE_HEARTBEAT in Temporal's protocol.
  return failure?.timeoutFailureInfo?.timeoutType === 4 ? 'HEARTBEAT' : JSON.stringify(failure);
}

describe('a server that dies', () => {
  let folder: string;
  let server: DevServer;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdfast-server-'));
    server = await startDevServer({ dbFile: join(folder, 'temporal.db') });
  });
  after(async () => {
    await server.kill();
    await rm(folder, { recursive: true });
  });

  test('SIGKILL of the server: worker and client reconnect, and the run completes', async () => {
    const here = await openCase(server.address, { module, scripts });
    await here.worker();
    const run = await here.holdfast.start('crew', 'take 1000 ms', { id: 'survivor' });
    await untilLedger(here.ledger, (entries) => times(entries, 'started', 'd') === 1);
    await server.kill();
    server = await startDevServer({ dbFile: join(folder, 'temporal.db'), port: Number(server.address.split(':')[1]) });
    const result = await here.holdfast.get('survivor').result();
    assert.equal(result.status, 'completed');
    assert.equal(result.output, '[{"done":"a"},{"done":"b"},{"done":"c"},{"done":"d"}]');
    assert.equal(run.workflowId, 'survivor');
    await here.close();
  });
});
