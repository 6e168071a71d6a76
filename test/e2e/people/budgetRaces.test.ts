// Races in a tree of runs, many times: each call has one result, all spend is counted, and the ends of the runs agree.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { asTool, defineTool } from '../../../activities/index.ts';
import { CommandRejected, RunOver } from '../../../client/index.ts';
import { MODEL_ACTIVITY, SIGNAL } from '../../../core/names.ts';
import { firstJson, type History, type HistoryEvent } from '../../../core/read/history.ts';
import { toolCalls } from '../../../core/read/run.ts';
import { transcriptProblem } from '../../../core/transcript.ts';
import type { Spend } from '../../../core/types.ts';
import { endToEnd, type Finished } from '../../support/bench.ts';
import { race } from '../../support/races.ts';
import { toolTexts } from '../../support/toolTexts.ts';
import { eventually, tally } from '../../support/waits.ts';

const REPLAYED = 6;
const description = 'Another agent.';

/** Why tasks of a workflow failed; but for those that the server wants again, since something came as the run was about to end. */
function failures({ events }: History): unknown[] {
  const UNHANDLED_COMMAND = 1;
  return (events ?? []).flatMap((event) => {
    const { workflowTaskFailedEventAttributes: failed } = event as {
      workflowTaskFailedEventAttributes?: { cause?: number; failure?: { message?: string } } | null;
    };
    return failed && failed.cause !== UNHANDLED_COMMAND ? [[failed.cause, failed.failure?.message]] : [];
  });
}

/** Model calls that a sub-agent scheduled after its parent's stop had arrived. */
function modelCallsAfterStop({ events }: History): number {
  const all = events ?? [];
  const stop = all.findIndex(({ workflowExecutionSignaledEventAttributes: signal }) => {
    return signal?.signalName === SIGNAL.fromParent && /"stop"/.test(JSON.stringify(firstJson(signal.input)));
  });
  if (stop < 0) return 0;
  const types = all.slice(stop).map((event) => event.activityTaskScheduledEventAttributes?.activityType?.name);
  return types.filter((type) => type === MODEL_ACTIVITY).length;
}

/**
 * Sub-agents that ran when reports brought the model calls to the limit, and that were sent nothing by the task that took them in.
 * `limit` includes the parent's own call, which started them.
 */
function notStopped({ events }: History, limit: number): string[] {
  const all = events ?? [];
  const spent = new Map<string, number>();
  const reached = all.findIndex(({ workflowExecutionSignaledEventAttributes: signal }) => {
    if (signal?.signalName !== SIGNAL.fromChild) return false;
    const { child, spend } = firstJson(signal.input) as { child: string; spend: Spend };
    spent.set(child, spend.modelCalls);
    return 1 + [...spent.values()].reduce((sum, n) => sum + n, 0) >= limit;
  });
  const completed = all.findIndex((event, at) => at > reached && event.workflowTaskCompletedEventAttributes);
  if (reached < 0 || completed < 0) return [];
  const commandsEnd = all.findIndex((event, at) => at > completed && event.workflowTaskStartedEventAttributes);
  const names = (part: readonly HistoryEvent[], of: (event: HistoryEvent) => ChildOf) =>
    part.flatMap((event) => of(event)?.workflowExecution?.workflowId ?? []);
  const before = all.slice(0, completed);
  const ended = names(
    before,
    (event) =>
      event.childWorkflowExecutionCompletedEventAttributes ??
      event.childWorkflowExecutionFailedEventAttributes ??
      event.childWorkflowExecutionCanceledEventAttributes,
  );
  const signalled = names(
    all.slice(0, commandsEnd < 0 ? undefined : commandsEnd),
    (event) => event.signalExternalWorkflowExecutionInitiatedEventAttributes,
  );
  return names(before, (event) => event.childWorkflowExecutionStartedEventAttributes).filter(
    (child) => !ended.includes(child) && !signalled.includes(child),
  );
}

type ChildOf = HistoryEvent['childWorkflowExecutionStartedEventAttributes'];

endToEnd(
  'races of sub-agents',
  (bench) => {
    const ran = tally();
    const asked = tally();
    const step = defineTool({
      name: 'step',
      description: 'One step.',
      input: z.object({ key: z.string(), ms: z.number() }),
      effect: 'idempotent',
      async run({ key, ms }, ctx) {
        await sleep(ms, undefined, { signal: ctx.signal });
        ran.add(key);
        return 'stepped';
      },
    });
    /** Its input says how many turns it takes, and how long each of their steps. */
    const worker = bench.agent({
      maxTurns: 50,
      tools: [step],
      script({ turn, input }) {
        const [key, turns, ms] = input.split(' ');
        asked.add(key!);
        return turn > Number(turns)
          ? 'Done.'
          : { calls: [{ tool: 'step', arguments: { key: `${key}.${turn}`, ms: Number(ms) } }] };
      },
    });
    /** Its input is what each of its sub-agents is asked. */
    const boss = bench.agent({
      tools: [asTool(worker, { description })],
      script: ({ turn, input }) =>
        turn === 1
          ? { calls: input.split(',').map((asked) => ({ tool: worker.name, arguments: { input: asked } })) }
          : 'All done.',
    });
    /** Start ids are of the round, so that a failure can be found. */
    const name = (race: string, round: number) => `${race}-${bench.mode}-${round}-${Date.now()}`;

    /** The end of a run, with the checks of every test; replayed in some rounds, since that takes the longest. */
    async function ended(id: string, round: number): Promise<Finished> {
      if (round % REPLAYED === 0) return bench.finished(id);
      const handle = bench.holdfast.get(id);
      const result = await handle.result();
      const [run, history] = await Promise.all([handle.read(), handle.history()]);
      assert.equal(transcriptProblem(run.transcript), null);
      assert.equal(run.status, result.status);
      return { result, run, history };
    }

    async function family(id: string, round: number): Promise<{ root: Finished; below: Finished[] }> {
      const root = await ended(id, round);
      const ids = toolCalls(root.run).flatMap(({ childId }) => childId ?? []);
      const below = await Promise.all(ids.map((childId) => ended(childId, round)));
      for (const { history } of [root, ...below]) assert.deepEqual(failures(history), []);
      return { root, below };
    }

    test('spends no more than the limit and what is in flight', async () => {
      await race({ sees: ['completed', 'budget'] }, async ({ random, round }) => {
        const turns = [1, 1].map(() => 1 + Math.floor(random() * 3));
        const limit = 3 + Math.floor(random() * 7);
        const id = name('limit', round);
        const input = turns.map((n, at) => `${id}.${at} ${n} ${Math.floor(random() * 40)}`).join(',');
        await bench.holdfast.start(boss.name, input, { id, budget: { modelCalls: limit } });
        const { root, below } = await family(id, round);
        const { status, spend } = root.result;
        const spent = below.map(({ result }) => result.spend.modelCalls);
        assert.equal(
          spend.modelCalls,
          root.result.turns + spent.reduce((sum, n) => sum + n, 0),
          'all that was spent is known above',
        );
        // How much was in flight depends on the machine; that it is all, on the order of events.
        assert.deepEqual(
          notStopped(root.history, limit),
          [],
          'sends every sub-agent a stop in the task that learns of it',
        );
        for (const { history } of below) assert.equal(modelCallsAfterStop(history), 0);
        for (const [at, { run, result }] of below.entries()) {
          assert.ok(['completed', 'stopped'].includes(result.status), result.status);
          // What a stop came before was not run, and all else once.
          for (const { turn, ok } of toolCalls(run)) assert.equal(ran.of(`${id}.${at}.${turn}`), ok ? 1 : 0);
        }
        const needed = 2 + turns.reduce((sum, n) => sum + n + 1, 0);
        if (status === 'completed') assert.ok(needed <= limit, `${needed} of ${limit}`);
        else assert.deepEqual({ status, isBeyond: needed > limit }, { status: 'budget', isBeyond: true });
        return status;
      });
    });

    test('settles a cancel or termination against the end of a sub-agent', async () => {
      await race({ sees: ['cancelled, cancelled'] }, async ({ random, round }) => {
        const id = name('cancel', round);
        const input = `${id}.0 ${1 + Math.floor(random() * 2)} ${Math.floor(random() * 60)}`;
        const handle = await bench.holdfast.start(boss.name, input, { id, budget: { modelCalls: 100 } });
        const child = bench.holdfast.get(`${id}.1.0`);
        await eventually(async () => asked.of(`${id}.0`) > 0);
        await sleep(random() * 300);
        const byForce = round % 3 === 0;
        const workflow = bench.holdfast.client.workflow.getHandle(id);
        await (byForce ? workflow.terminate() : handle.cancel()).catch((error) => {
          assert.match(error.message, /already completed/);
        });
        const below = await ended(child.workflowId, round);
        assert.ok(['completed', 'cancelled'].includes(below.result.status));
        if (byForce) {
          await workflow.result().catch(() => undefined);
          const { status } = await handle.read();
          assert.ok(['completed', 'terminated'].includes(status));
          return `${status}, ${below.result.status}`;
        }
        const { root } = await family(id, round);
        const { status, spend } = root.run;
        assert.ok(['completed', 'cancelled'].includes(status));
        if (status === 'completed') assert.equal(below.result.status, 'completed');
        assert.equal(spend.modelCalls, root.run.turns.length + below.run.spend.modelCalls);
        const [told] = toolTexts(root.run);
        if (below.result.status === 'completed' && told) assert.equal(told, 'Done.');
        return `${status}, ${below.result.status}`;
      });
    });

    const asker = bench.agent({
      budget: { modelCalls: 1, atLimit: 'ask' },
      tools: [step],
      script: ({ turn, input }) =>
        turn <= 2 ? { calls: [{ tool: 'step', arguments: { key: `${input}.${turn}`, ms: 0 } }] } : 'Done.',
    });
    test('answers a raise and a stop, and ends the run once', async () => {
      await race({ sees: ['raised first', 'stopped first'] }, async ({ random, round }) => {
        const id = name('raise', round);
        const handle = await bench.holdfast.start(asker.name, id, { id });
        await eventually(async () => ran.of(`${id}.1`) > 0);
        const raising = sleep(random() * 80).then(() => handle.raise({ modelCalls: 10 }));
        // About when it asks; in every other round, when it has just been raised.
        const before = round % 2 === 0 ? sleep(random() * 80) : raising.catch(() => undefined);
        const stopping = before.then(() => sleep(random() * 20)).then(() => handle.stop({ why: 'enough' }));
        const [raised, stopped] = await Promise.allSettled([raising, stopping]);
        for (const answer of [raised, stopped])
          if (answer.status === 'rejected')
            assert.ok(
              answer.reason instanceof RunOver || answer.reason instanceof CommandRejected,
              String(answer.reason),
            );
        const { result, history } = await ended(id, round);
        assert.deepEqual(failures(history), []);
        assert.ok(['stopped', 'completed'].includes(result.status));
        if (stopped.status === 'fulfilled' && result.status === 'completed') assert.equal(result.output, 'Done.');
        if (result.turns > 1) assert.equal(raised.status, 'fulfilled');
        for (let turn = 1; turn <= result.calls; turn++) assert.ok(ran.of(`${id}.${turn}`) <= 1);
        assert.equal(result.spend.modelCalls, result.turns);
        return result.turns > 1 ? 'raised first' : 'stopped first';
      });
    });
  },
  { endsVary: true },
);
