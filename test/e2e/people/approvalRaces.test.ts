// Decisions race with whatever else may end a call. The run and the person agree on the outcome, and what was approved happens
// once.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { type AgentOptions, defineTool } from '../../../activities/index.ts';
import { CommandRejected, type Decided, type RunHandle, RunOver } from '../../../client/index.ts';
import { toolCalls } from '../../../core/read/run.ts';
import { endToEnd } from '../../support/bench.ts';
import { asked, failedTasks } from '../../support/people.ts';
import { race } from '../../support/races.ts';
import { toolTexts } from '../../support/toolTexts.ts';
import { tally } from '../../support/waits.ts';

/** The decision that the run returned; null if it refused it. */
async function decision(request: Promise<Decided>): Promise<Decided | null> {
  try {
    return await request;
  } catch (error) {
    if (error instanceof CommandRejected || error instanceof RunOver) return null;
    throw error;
  }
}

endToEnd(
  'a decision',
  (bench) => {
    const effects = tally();
    const pay = defineTool({
      name: 'pay',
      description: 'Pays.',
      input: z.object({ to: z.string() }),
      effect: 'idempotent',
      approval: 'always',
      run: ({ to }) => {
        effects.add(to);
        return 'paid';
      },
    });
    const payer = (options: Partial<AgentOptions> = {}) =>
      bench.agent({
        tools: [pay],
        ...options,
        script: ({ turn, input }) => (turn === 1 ? { calls: [{ tool: 'pay', arguments: { to: input } }] } : 'Done.'),
      });
    async function open(agent: { readonly name: string }) {
      const to = randomUUID();
      const handle = await bench.holdfast.start(agent.name, to, { id: `race-${to}` });
      const [question] = await asked(handle);
      const { call, digest, sinceMs } = question!;
      const approve = () => decision(handle.decide({ call, digest, verdict: 'approve', by: 'ann' }));
      return { to, handle, sinceMs, approve };
    }
    /** What must be true whichever came first. */
    async function checked(handle: RunHandle, answer: Decided | null) {
      const finished = await bench.finished(handle.workflowId);
      const [call] = toolCalls(finished.run);
      assert.equal(call?.decision?.verdict ?? null, answer?.verdict ?? null, 'the run and the person are of one mind');
      assert.equal(call?.decision?.atMs, answer?.atMs);
      if (answer) assert.equal(answer.isFirst, true);
      assert.deepEqual(failedTasks(finished.history), []);
      return { ...finished, call };
    }

    const WAIT_MS = 1_000;
    const impatient = payer({ approvalTimeout: WAIT_MS });
    test('counts before the timeout and runs once, or is refused and runs nothing', async () => {
      await race({ sees: ['decided', 'too late'] }, async ({ random, round }) => {
        const { to, handle, sinceMs, approve } = await open(impatient);
        // The run takes some milliseconds to receive it, and many on a slow machine: sent from shortly before the end to after, and
        // every fourth time early.
        const leadMs = round % 4 === 3 ? WAIT_MS : 60;
        await sleep(sinceMs + WAIT_MS - leadMs + random() * 240 - Date.now());
        const answer = await approve();
        const { run, result } = await checked(handle, answer);
        assert.equal(result.status, 'completed');
        assert.equal(effects.of(to), answer ? 1 : 0);
        const expired = '{"error":"approval timed out: nobody decided within 1 second","tool":"pay","kind":"rejected"}';
        assert.deepEqual(toolTexts(run), [answer ? 'paid' : expired]);
        return answer ? 'decided' : 'too late';
      });
    });

    const patient = payer();
    test('counts before a cancel and runs, or is refused and runs nothing', async () => {
      await race({ sees: ['decided', 'too late'] }, async ({ random }) => {
        const { to, handle, approve } = await open(patient);
        const [decides, cancels] = [random() * 40, random() * 40];
        const [answer] = await Promise.all([sleep(decides).then(approve), sleep(cancels).then(() => handle.cancel())]);
        const { result, call } = await checked(handle, answer);
        assert.ok(effects.of(to) <= (answer ? 1 : 0), `${effects.of(to)} effects`);
        if (call?.ok) assert.equal(effects.of(to), 1);
        assert.ok(['cancelled', 'completed'].includes(result.status));
        return answer ? 'decided' : 'too late';
      });
    });

    const linked = payer({ maxHistoryEvents: 30 });
    test('counts in one history around continue-as-new, and runs once', async () => {
      await race({ sees: ['in the first history', 'in a later history'] }, async ({ random }) => {
        const { to, handle, approve } = await open(linked);
        const before = Math.floor(random() * 4);
        const [answer] = await Promise.all([
          (async () => {
            await sleep(random() * 20);
            for (let n = 0; n < before; n++) await handle.pause();
            return approve();
          })(),
          (async () => {
            for (let n = 0; n < 4; n++) await handle.pause();
          })(),
        ]);
        assert.ok(answer);
        await handle.resume();
        const { result, run } = await checked(handle, answer);
        assert.deepEqual(
          { status: result.status, effects: effects.of(to), told: toolTexts(run) },
          { status: 'completed', effects: 1, told: ['paid'] },
        );
        let continued = 0;
        for await (const event of handle.events()) {
          if (event.type === 'continued') continued += 1;
          if (event.type === 'decision') return continued === 0 ? 'in the first history' : 'in a later history';
        }
        return assert.fail('The decision is not in the history.');
      });
    });
  },
  { endsVary: true },
);
