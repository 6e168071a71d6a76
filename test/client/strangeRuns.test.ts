// A run that anybody started with a strange memo or payload hides no other run, and ends no reader with a crash.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { connect, type Holdfast, HoldfastError, type Inbox, RunUnreadable } from '../../client/index.ts';
import { serverAddress } from '../support/server.ts';
import {
  addStrangeSchedules,
  answerStrangely,
  completeStrangely,
  newNamespace,
  type StrangeRuns,
  startStrangeRuns,
} from '../support/strangeRuns.ts';
import { eventually } from '../support/waits.ts';

const UNREADABLE = '(not readable here)';
const SINCE_MS = 1_767_225_600_000;

for (const attributes of [false, true])
  describe(`strange runs ${attributes ? 'with' : 'without'} search attributes`, () => {
    let holdfast: Holdfast;
    let runs: StrangeRuns;
    before(async () => {
      const address = await serverAddress();
      const namespace = await newNamespace(address);
      holdfast = await connect({ address, namespace });
      if (attributes) {
        await holdfast.setup();
        await eventually(async () => (await holdfast.setup()).length === 0);
      }
      runs = await eventually(() => startStrangeRuns(holdfast.client, { attributes }).catch(() => null));
      // A run that waits as ours do.
      const waits = { sinceMs: SINCE_MS + 1, count: 1, questions: [] };
      await holdfast.client.workflow.start('agent', {
        workflowId: 'honest',
        taskQueue: `nobody-${randomUUID()}`,
        args: [{ agent: 'clerk', input: 'Pay.' }],
        memo: { agent: 'clerk', waits },
        ...(attributes && {
          searchAttributes: { HoldfastWaitingSince: [new Date(waits.sinceMs)], HoldfastAgent: ['clerk'] },
        }),
      });
    });
    after(() => holdfast.close());
    const everyId = () => ['honest', ...runs.unreadable, ...runs.partly, ...runs.others];
    const idsOf = ({ waiting }: Inbox) => waiting.map(({ workflowId }) => workflowId);

    test('the inbox lists what it can read, then the rest', async () => {
      const { unreadable, partly, others } = runs;
      // With the attributes, the others say that they wait, but not for what.
      const rest = attributes ? [...unreadable, ...others] : unreadable;
      const total = 1 + partly.length + rest.length;
      const inbox = await eventually(async () => {
        const found = await holdfast.inbox();
        return found.total === total && found;
      });
      const readable = inbox.waiting.filter(({ count }) => count !== null);
      assert.deepEqual(
        readable.map(({ workflowId, agent, parentId, sinceMs, count, questions }) => ({
          ...{ workflowId, agent, parentId, sinceMs, count },
          questions: questions.length,
        })),
        [
          ...partly.toSorted().map((workflowId) => ({
            ...{ workflowId, agent: UNREADABLE, parentId: UNREADABLE, sinceMs: SINCE_MS, count: 2 },
            questions: 1,
          })),
          { workflowId: 'honest', agent: 'clerk', parentId: null, sinceMs: SINCE_MS + 1, count: 1, questions: 0 },
        ],
      );
      const last = inbox.waiting.slice(readable.length);
      assert.deepEqual(last.map(({ workflowId }) => workflowId).toSorted(), rest.toSorted());
      for (const { workflowId, agent, sinceMs, questions } of last) {
        const byPayload = workflowId.startsWith('payload-') && workflowId !== 'payload-no-data';
        assert.deepEqual({ agent, questions }, { agent: byPayload ? UNREADABLE : agent, questions: [] }, workflowId);
        assert.ok(sinceMs > SINCE_MS, 'since its start, as the server knows it');
      }
      const ofClerk = await holdfast.inbox({ agent: 'clerk' });
      assert.deepEqual({ total: ofClerk.total, ids: idsOf(ofClerk) }, { total: 1, ids: ['honest'] });
      const few = await holdfast.inbox({ limit: 1 });
      assert.deepEqual({ total: few.total, ids: idsOf(few) }, { total, ids: [partly.toSorted()[0]] });
    });

    test('the list has every run', async () => {
      const listed = await eventually(async () => {
        const found = await holdfast.list({ limit: 1_000 });
        return found.length === everyId().length && found;
      });
      assert.deepEqual(listed.map(({ workflowId }) => workflowId).toSorted(), everyId().toSorted());
      for (const { workflowId, state, status, startedAtMs, endedAtMs } of listed) {
        assert.deepEqual({ state, status, endedAtMs }, { state: 'running', status: null, endedAtMs: null }, workflowId);
        assert.ok(startedAtMs > SINCE_MS && startedAtMs <= Date.now() + 1_000, workflowId);
      }
      const waitingOf = (id: string) => listed.find(({ workflowId }) => workflowId === id)?.waiting;
      assert.deepEqual(
        { honest: waitingOf('honest'), partly: waitingOf('partly-no-arguments'), empty: waitingOf('waits-empty') },
        { honest: 1, partly: 2, empty: null },
      );
      assert.deepEqual(
        (await holdfast.list({ agent: 'clerk' })).map(({ workflowId }) => workflowId),
        ['honest'],
      );
    });

    test('every reader of such a run returns, or throws an error with a code', async () => {
      for (const id of everyId()) {
        const handle = holdfast.get(id);
        const described = await handle.describe();
        assert.deepEqual({ id, name: described.status.name }, { id, name: 'RUNNING' });
        if (id.startsWith('payload-') && id !== 'payload-no-data') assert.equal(described.memo?.['waits'], UNREADABLE);
        const firstEvent = async () => {
          const stop = new AbortController();
          for await (const event of handle.events({ signal: stop.signal })) {
            stop.abort();
            return event.type;
          }
          return undefined;
        };
        for (const read of [handle.read, handle.questions, handle.history, handle.histories, firstEvent])
          await read().catch((error: unknown) => {
            if (!(error instanceof HoldfastError)) throw new Error(`${id}: ${error}`, { cause: error });
          });
      }
      const { agent, input, budget, questions } = await holdfast.get('input-types').read();
      assert.deepEqual({ agent, input, budget, questions }, { agent: '', input: '', budget: null, questions: [] });
      assert.deepEqual((await holdfast.get('input-budget').read()).budget, null);
    });

    test('the events of all runs have those that can be read, and say which cannot', async () => {
      const open = new Set(everyId());
      const unreadable: string[] = [];
      for await (const { workflowId, type } of holdfast.events()) {
        if (type === 'unreadable') unreadable.push(workflowId);
        open.delete(workflowId);
        if (open.size === 0) break;
      }
      const failing: string[] = [];
      for (const id of everyId())
        try {
          for await (const _ of holdfast.get(id).events()) break;
        } catch {
          failing.push(id);
        }
      assert.ok(failing.length > 0);
      assert.deepEqual(unreadable.toSorted(), failing.toSorted());
    });

    test('a run that was ended waits for nobody', async () => {
      const ended = ['waits-empty', 'payload-json', 'partly-no-arguments', 'input-types'];
      for (const id of ended) await holdfast.client.workflow.getHandle(id).terminate();
      const listed = await eventually(async () => {
        const found = (await holdfast.list({ limit: 1_000 })).filter(({ workflowId }) => ended.includes(workflowId));
        return found.every(({ state }) => state === 'terminated') && found;
      });
      assert.deepEqual(
        listed.map(({ waiting }) => waiting),
        ended.map(() => 0),
      );
      const { status } = await holdfast.get('input-types').read();
      assert.equal(status, 'terminated');
    });

    test('a result of any kind is listed, and its readers get a run or an error with a code', async () => {
      const ids = await completeStrangely(holdfast.client);
      const listed = await eventually(async () => {
        const found = (await holdfast.list({ limit: 1_000 })).filter(({ workflowId }) => ids.includes(workflowId));
        return found.length === ids.length && found.every(({ state }) => state === 'completed') && found;
      });
      for (const { workflowId, status, waiting } of listed)
        assert.deepEqual(
          { workflowId, status, waiting },
          { workflowId, status: workflowId === 'result-value-status-only' ? 'completed' : null, waiting: 0 },
        );
      for (const id of ids) {
        const handle = holdfast.get(id);
        for (const read of [handle.read, handle.result, handle.histories, () => Array.fromAsync(handle.events())])
          await read().catch((error: unknown) => {
            if (!(error instanceof HoldfastError)) throw new Error(`${id}: ${error}`, { cause: error });
          });
      }
      const { status, output, warnings } = await holdfast.get('result-value-types').read();
      assert.deepEqual({ status, output, warnings }, { status: 'completed', output: null, warnings: [] });
    });

    test('a history that is not one of an agent is reported with a code', async () => {
      const id = await answerStrangely(holdfast.client);
      await eventually(async () =>
        (await holdfast.get(id).history()).events?.some((event) => event.activityTaskCompletedEventAttributes),
      );
      const isReported = (error: unknown) =>
        error instanceof RunUnreadable && error.code === 'history_unreadable' && error.facts.workflowId === id;
      await assert.rejects(holdfast.get(id).read(), isReported);
      await assert.rejects(Array.fromAsync(holdfast.get(id).events()), isReported);
    });

    test('the list of schedules has those that cannot be read', async () => {
      const ids = await addStrangeSchedules(holdfast.client);
      await holdfast.schedules.add('honest', { agent: 'clerk', input: 'Pay.', every: '1h', paused: true });
      const listed = await eventually(async () => {
        const found = await holdfast.schedules.list();
        return found.length === ids.length + 1 && found;
      });
      assert.deepEqual(
        listed.map(({ id, agent, when }) => ({ id, agent, when })),
        [
          { id: 'honest', agent: 'clerk', when: 'every 1h' },
          ...ids.toSorted().map((id) => ({ id, agent: UNREADABLE, when: 'every 1d' })),
        ].toSorted((a, b) => (a.id < b.id ? -1 : 1)),
      );
      for (const id of ids) assert.equal((await holdfast.schedules.get(id)).agent, UNREADABLE);
    });
  });
