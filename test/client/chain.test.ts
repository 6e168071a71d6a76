// A run that continued as new is one run to its client. If retention has deleted its first histories, the carried state
// supplies the rest, and the gap is marked.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { Worker } from '@temporalio/worker';
import { z } from 'zod';
import { defineTool } from '../../activities/index.ts';
import type { Run, RunEvent, RunHandle } from '../../client/index.ts';
import { eventId } from '../../core/read/history.ts';
import { readRun } from '../../core/read/readRun.ts';
import { countsOf, toolCalls } from '../../core/read/run.ts';
import { historiesFromJson, historiesToJson, historyFromJson } from '../../worker/historyJson.ts';
import { workflowCode } from '../../worker/workflowBundle.ts';
import { endToEnd } from '../support/bench.ts';
import { asked } from '../support/people.ts';
import { sentTo } from '../support/sent.ts';
import { ownServer } from '../support/server.ts';
import { conversation } from '../support/toolTexts.ts';
import { eventually } from '../support/waits.ts';

// A link is deleted when the server has noted that its closing is through, which it does every half a minute by itself.
ownServer({
  'history.transferProcessorUpdateAckInterval': '100ms',
  'history.visibilityProcessorUpdateAckInterval': '100ms',
});

endToEnd(
  'a run with several histories',
  (bench) => {
    const say = defineTool({
      name: 'say',
      description: 'Says something, or fails.',
      input: z.object({ what: z.string() }),
      effect: 'read',
      retry: { attempts: 1 },
      run: ({ what }) => {
        if (what === 'fails') throw new Error('It does not want to.');
        return `said ${what}`;
      },
    });
    const talker = bench.agent({
      tools: [say],
      maxHistoryEvents: 30,
      maxTurns: 30,
      script: ({ messages, results }) => {
        const texts = messages.filter(({ role }) => role === 'user').map(({ content }) => String(content));
        if (results.length > 0) return `${texts.length}: ${texts.at(-1)}`;
        return { calls: [texts.at(-1) ?? '', 'fails'].map((what) => ({ tool: 'say', arguments: { what } })) };
      },
    });

    /** Opens a session and sends it this many messages. */
    async function open(messages: number): Promise<RunHandle> {
      const handle = await bench.holdfast.start(talker.name, 'message 1', { session: true });
      for (let n = 2; n <= messages; n++) await handle.ask(`message ${n}`);
      return handle;
    }

    /**
     * Resolves once a session that has replied writes no more events. It may have continued as new, and then its next history begins
     * after the reply.
     */
    async function untilAtRest(handle: RunHandle): Promise<void> {
      await eventually(async () => {
        const events = (await handle.history()).events ?? [];
        const tasks = events.filter((event) => event.workflowTaskScheduledEventAttributes).length;
        const done = events.filter((event) => event.workflowTaskCompletedEventAttributes).length;
        const lost = events.filter(
          (event) => event.workflowTaskTimedOutEventAttributes || event.workflowTaskFailedEventAttributes,
        ).length;
        return done > 0 && done + lost === tasks;
      });
    }

    /** Returns the run ids of the run's executions, in order. */
    async function runIdsOf(handle: RunHandle): Promise<string[]> {
      const histories = await handle.histories();
      return histories.map(({ events }) => {
        const { originalExecutionRunId } = events?.[0]?.workflowExecutionStartedEventAttributes ?? {};
        return originalExecutionRunId ?? assert.fail('a history without its first event');
      });
    }

    /** Deletes a closed execution, as the server does after the retention. */
    async function expire({ workflowId }: RunHandle, runId: string | undefined): Promise<void> {
      const { workflowService } = bench.holdfast.client;
      const execution = { workflowId, runId: runId ?? assert.fail('the run has fewer histories') };
      await workflowService.deleteWorkflowExecution({ namespace: 'default', workflowExecution: execution });
      await eventually(() =>
        workflowService.describeWorkflowExecution({ namespace: 'default', execution }).then(
          () => false,
          () => true,
        ),
      );
    }

    async function eventsOf(handle: RunHandle): Promise<RunEvent[]> {
      const events: RunEvent[] = [];
      for await (const event of handle.events()) events.push(event);
      return events;
    }

    /** The parts of a run that do not depend on which histories are kept. */
    const lasting = (run: Run) => {
      const { runId, agent, status, input, output, reason, usage, spend, transcript, warnings, startedAtMs } = run;
      const kept = { runId, agent, status, input, output, reason, usage, spend, transcript, warnings, startedAtMs };
      return { ...kept, counts: countsOf(run) };
    };

    test('is listed once, by its last history and its first start', async () => {
      const handle = await open(6);
      await handle.close();
      const { run } = await bench.finished(handle.workflowId);
      const runIds = await runIdsOf(handle);
      assert.ok(runIds.length >= 3, `${runIds.length} histories`);
      const listed = await eventually(async () => {
        const runs = (await bench.holdfast.list({ limit: 100 })).filter(
          ({ workflowId }) => workflowId === handle.workflowId,
        );
        return runs.some(({ status }) => status === 'completed') && runs;
      });
      assert.deepEqual(
        listed.map(({ runId, state, startedAtMs }) => [runId, state, startedAtMs]),
        [[runIds.at(-1), 'completed', run.startedAtMs]],
      );
    });

    test('is exported as one file, which reads as the run and replays', async () => {
      const handle = await open(6);
      await handle.close();
      const { run } = await bench.finished(handle.workflowId);
      const histories = await handle.histories();
      assert.ok(histories.length >= 3, `${histories.length} histories`);
      assert.equal(run.earlier, undefined);

      const text = historiesToJson(histories);
      const again = historiesFromJson(text);
      assert.equal(again.length, histories.length);
      assert.deepEqual(readRun(...again), run);
      assert.equal(historiesToJson(again), text);
      assert.throws(() => historyFromJson(text), /it has \d histories of a run: use historiesFromJson/);
      const workflowBundle = await workflowCode();
      for (const history of again)
        await Worker.runReplayHistory({ workflowBundle }, history as object, handle.workflowId);

      // Temporal's own tools write and read one history.
      const last = await handle.history();
      assert.deepEqual(Object.keys(JSON.parse(historiesToJson([last]))), ['events']);
      assert.deepEqual(readRun(historyFromJson(historiesToJson([last]))), readRun(last));
    });

    test('reads as the same run without its first histories, and marks the gap', async () => {
      const handle = await open(8);
      await handle.close();
      const { run: whole } = await bench.finished(handle.workflowId);
      const runIds = await runIdsOf(handle);
      assert.ok(runIds.length >= 4, `${runIds.length} histories`);
      let known = whole;
      for (const [i, runId] of runIds.slice(0, 2).entries()) {
        await expire(handle, runId);
        const run = await handle.read();
        assert.deepEqual(lasting(run), lasting(whole), `history ${i + 1} is gone`);
        const { earlier } = run;
        assert.ok(earlier && earlier.turns > (known.earlier?.turns ?? 0));
        assert.deepEqual(run.turns, whole.turns.slice(earlier.turns));
        const before = whole.turns.slice(0, earlier.turns).flatMap(({ calls }) => calls);
        assert.deepEqual(earlier, {
          turns: earlier.turns,
          calls: before.length,
          failedCalls: before.filter(({ ok }) => !ok).length,
        });
        known = run;
      }
      // A fork has what was carried along, but no turn of a history that is gone.
      const [firstKept] = known.turns;
      const fork = await handle.fork({ turn: firstKept!.turn });
      const forked = await eventually(async () => {
        const run = await fork.read();
        const last = run.transcript.at(-1);
        return run.turns.length > 0 && last?.role === 'assistant' && !last.tool_calls && run;
      });
      const replied = conversation(forked).length;
      assert.deepEqual(conversation(forked), conversation(whole).slice(0, replied));
      await fork.close();
      await bench.finished(fork.workflowId);
      await assert.rejects(handle.fork({ turn: 1 }), { name: 'InvalidFork', code: 'fork_turn_not_found' });
      const histories = await handle.histories();
      assert.equal(histories.length, runIds.length - 2);
      assert.deepEqual(readRun(...historiesFromJson(historiesToJson(histories))), known);
      const [started] = await eventsOf(handle);
      assert.ok(started?.type === 'started');
      assert.deepEqual(started.earlier, known.earlier);
    });

    test('is found by its first run id, even if that history is gone', async () => {
      const handle = await open(4);
      await untilAtRest(handle);
      const [first] = await runIdsOf(handle);
      const byFirst = bench.holdfast.get(handle.workflowId, first);
      assert.deepEqual(await byFirst.read(), await handle.read());
      await expire(handle, first);
      assert.deepEqual(await byFirst.read(), await handle.read());
      assert.ok((await byFirst.read()).earlier);
      assert.equal((await byFirst.ask('message 5')).output, '5: message 5');
      const result = byFirst.result();
      await byFirst.close();
      assert.equal((await result).status, 'completed');
      assert.deepEqual(await byFirst.history(), await handle.history());
      await bench.finished(handle.workflowId);
    });

    test('continues from the carried state while old histories are deleted', async () => {
      const handle = await open(3);
      const events = eventsOf(handle);
      for (let n = 4; n <= 7; n++) {
        const runIds = await runIdsOf(handle);
        if (runIds.length > 1) await expire(handle, runIds[0]);
        assert.equal((await handle.ask(`message ${n}`)).output, `${n}: message ${n}`);
      }
      const runIds = await runIdsOf(handle);
      assert.deepEqual((await handle.read()).earlier !== undefined, true, `${runIds.length} histories are left`);
      await handle.close();
      const { run, result } = await bench.finished(handle.workflowId);
      assert.deepEqual(countsOf(run), { turns: result.turns, calls: result.calls, failedCalls: result.failedCalls });
      assert.deepEqual(
        { turns: result.turns, calls: result.calls, failedCalls: result.failedCalls },
        { turns: 14, calls: 14, failedCalls: 7 },
      );
      const sent = sentTo(bench, talker).findLast((messages) => messages.at(-4)?.content === 'message 7');
      assert.deepEqual(sent?.slice(1), conversation(run).slice(0, -1), 'the model was sent all of it');
      const turns = (await events).flatMap((event) => (event.type === 'answer' ? [event.turn] : []));
      assert.deepEqual(
        turns,
        Array.from({ length: 14 }, (_, i) => i + 1),
      );
    });

    test('reads from after a gap if a history in the middle is missing', async () => {
      const handle = await open(8);
      await handle.close();
      const { run: whole } = await bench.finished(handle.workflowId);
      const runIds = await runIdsOf(handle);
      assert.ok(runIds.length >= 4, `${runIds.length} histories`);
      await expire(handle, runIds[1]);
      const run = await handle.read();
      assert.deepEqual(lasting(run), lasting(whole));
      assert.deepEqual(run.turns, whole.turns.slice(run.earlier?.turns));
      assert.equal((await handle.histories()).length, runIds.length - 1);
      assert.equal((await eventsOf(handle)).filter(({ type }) => type === 'ended').length, 1);
    });

    let takes = 0;
    const worker = bench.agent({
      tools: [say],
      maxHistoryEvents: 30,
      maxTurns: 30,
      script: ({ turn }) =>
        turn <= 10 ? { calls: [{ tool: 'say', arguments: { what: `turn ${turn}` } }] } : `Done in take ${takes}.`,
    });
    test('follows a reset of its last or its first history', async () => {
      const { workflowId } = (await bench.run(worker)).run;
      const handle = bench.holdfast.get(workflowId);
      const before = await runIdsOf(handle);
      assert.ok(before.length >= 3, `${before.length} histories`);
      for (const [at, kept] of [
        [before.length - 1, before.length - 1],
        [0, 0],
      ] as const) {
        takes += 1;
        const histories = await handle.histories();
        const first = histories[at]?.events?.find((event) => event.workflowTaskCompletedEventAttributes);
        await bench.holdfast.client.workflowService.resetWorkflowExecution({
          namespace: 'default',
          workflowExecution: { workflowId, runId: before[at] ?? '' },
          reason: 'a test',
          requestId: randomUUID(),
          workflowTaskFinishEventId: eventId(first?.eventId) as never,
        });
        await handle.result();
        const { run, result } = await bench.finished(workflowId);
        assert.deepEqual(
          { status: result.status, resultTurns: result.turns, runTurns: run.turns.length },
          { status: 'completed', resultTurns: 11, runTurns: 11 },
        );
        assert.equal(run.output, `Done in take ${takes}.`);
        assert.equal(run.runId, before[0]);
        // Events before the reset are unchanged; the first event of a reset execution still has its old id.
        assert.deepEqual((await runIdsOf(handle)).slice(0, kept + 1), before.slice(0, kept + 1));
        assert.equal((await eventsOf(handle)).filter(({ type }) => type === 'ended').length, 1);
      }
    });

    const pay = defineTool({
      name: 'pay',
      description: 'Pays.',
      input: z.object({ to: z.string() }),
      effect: 'once',
      approval: 'always',
      run: ({ to }) => `paid ${to}`,
    });
    const payer = bench.agent({
      tools: [say, pay],
      maxHistoryEvents: 30,
      script: [
        {
          calls: [
            { tool: 'say', arguments: { what: 'this' } },
            { tool: 'pay', arguments: { to: 'ann' } },
            { tool: 'pay', arguments: { to: 'bob' } },
          ],
        },
        'Done.',
      ],
    });
    test('keeps the batch that it carried after its histories are deleted', async () => {
      const handle = await bench.holdfast.start(payer.name, 'Pay them.');
      await asked(handle, 2);
      await handle.reject('1.1', { by: 'mira', why: 'not ann' });
      await eventually(async () => {
        await handle.pause();
        await handle.resume();
        return (await runIdsOf(handle)).length > 1;
      });
      const before = await handle.read();
      for (const runId of (await runIdsOf(handle)).slice(0, -1)) await expire(handle, runId);
      const run = await handle.read();
      assert.deepEqual(
        run.questions.map((question) => question.kind === 'approval' && question.call),
        ['1.2'],
      );
      const told = (of: Run) =>
        toolCalls(of).map(({ tool, ok, kind, text, decision }) => [tool, ok, kind, text, decision]);
      assert.deepEqual(told(run), told(before));
      assert.deepEqual(run.earlier, { turns: 0, calls: 0, failedCalls: 0 });
      await handle.approve('1.2');
      await handle.result();
      const { result } = await bench.finished(handle.workflowId);
      assert.deepEqual(
        { status: result.status, calls: result.calls, failedCalls: result.failedCalls },
        { status: 'completed', calls: 3, failedCalls: 1 },
      );
    });
  },
  // What retention takes, the server takes.
  { onServer: true },
);
