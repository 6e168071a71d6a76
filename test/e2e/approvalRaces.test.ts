// Decisions against whatever else may end a call at the same moment: the run and whoever decided are of one mind, and what
// was approved happens once.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { type AgentOptions, defineTool } from '../../activities/index.ts';
import { type Decided, OrderRefused, type RunHandle, RunOver } from '../../client/index.ts';
import { toolCalls } from '../../core/run.ts';
import { endToEnd } from '../support/bench.ts';
import { asked, failedTasks, seeded } from '../support/people.ts';
import { tally, toldOf } from '../support/said.ts';

const ROUNDS = 32;
/** Rounds at once: they disturb each other, which is as it should be, and more of them would only wait. */
const AT_ONCE = 4;

/** Runs the rounds, and gives what each of them came to. A round that fails says its seed. */
async function race<Outcome>(round: (random: () => number) => Promise<Outcome>): Promise<Outcome[]> {
  const first = Date.now() % 1_000_000;
  const seeds = Array.from({ length: ROUNDS }, (_, at) => first + at);
  const outcomes: Outcome[] = [];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let seed = seeds.pop(); seed !== undefined; seed = seeds.pop()) {
        try {
          outcomes.push(await round(seeded(seed)));
        } catch (error) {
          throw new Error(`With seed ${seed}: ${error}`, { cause: error });
        }
      }
    }),
  );
  return outcomes;
}

/** The decision as it was answered; null where the run would not take it any more. */
async function decision(order: Promise<Decided>): Promise<Decided | null> {
  try {
    return await order;
  } catch (error) {
    if (error instanceof OrderRefused || error instanceof RunOver) return null;
    throw error;
  }
}

endToEnd('a decision', (bench) => {
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
  /** What holds whatever came first. */
  async function checked(handle: RunHandle, answer: Decided | null) {
    const finished = await bench.finished(handle.workflowId);
    const [call] = toolCalls(finished.run);
    assert.equal(call?.decision?.verdict ?? null, answer?.verdict ?? null, 'the run and the person are of one mind');
    assert.equal(call?.decision?.atMs, answer?.atMs);
    if (answer) assert.equal(answer.isFirst, true);
    assert.equal(failedTasks(finished.history), 0);
    return { ...finished, call };
  }

  const WAIT_MS = 1_000;
  const impatient = payer({ approvalTimeout: WAIT_MS });
  test('against its expiry: either it counts and the call runs once, or it is refused and nothing runs', async () => {
    const outcomes = await race(async (random) => {
      const { to, handle, sinceMs, approve } = await open(impatient);
      // The run takes some milliseconds to hear of it; it is sent from well before the end to just after.
      await sleep(sinceMs + WAIT_MS - 60 + random() * 240 - Date.now());
      const answer = await approve();
      const { run, result } = await checked(handle, answer);
      assert.equal(result.status, 'completed');
      assert.equal(effects.of(to), answer ? 1 : 0);
      const expired = '{"error":"nobody decided within 1 second","tool":"pay","kind":"rejected"}';
      assert.deepEqual(toldOf(run), [answer ? 'paid' : expired]);
      return answer !== null;
    });
    assert.deepEqual(new Set(outcomes), new Set([true, false]), 'both were seen');
  });

  const patient = payer();
  test('against cancel: a call that ran was approved, and one whose approval was refused did not run', async () => {
    const outcomes = await race(async (random) => {
      const { to, handle, approve } = await open(patient);
      const [decides, cancels] = [random() * 40, random() * 40];
      const [answer] = await Promise.all([sleep(decides).then(approve), sleep(cancels).then(() => handle.cancel())]);
      const { result, call } = await checked(handle, answer);
      assert.ok(effects.of(to) <= (answer ? 1 : 0), `${effects.of(to)} effects`);
      if (call?.ok) assert.equal(effects.of(to), 1);
      assert.ok(['cancelled', 'completed'].includes(result.status));
      return answer !== null;
    });
    assert.deepEqual(new Set(outcomes), new Set([true, false]), 'both were seen');
  });

  const linked = payer({ linkEvents: 30 });
  test('against continue-as-new: it is taken by the one link or by the other, and the call runs once', async () => {
    const outcomes = await race(async (random) => {
      const { to, handle, approve } = await open(linked);
      const before = Math.floor(random() * 4);
      const [answer] = await Promise.all([
        (async () => {
          await sleep(random() * 20);
          for (let order = 0; order < before; order++) await handle.pause();
          return approve();
        })(),
        (async () => {
          for (let order = 0; order < 4; order++) await handle.pause();
        })(),
      ]);
      assert.ok(answer);
      await handle.resume();
      const { result, run } = await checked(handle, answer);
      assert.deepEqual([result.status, effects.of(to), toldOf(run)], ['completed', 1, ['paid']]);
      let links = 0;
      for await (const event of handle.events()) {
        if (event.type === 'continued') links += 1;
        if (event.type === 'decided') return links;
      }
      return assert.fail('The decision is not in the history.');
    });
    assert.ok(outcomes.includes(0) && outcomes.some((links) => links > 0), `both were seen: ${outcomes}`);
  });
});
