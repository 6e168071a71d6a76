// After a raise that is not enough, the run asks again for the limit that it has reached, and the inbox shows it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { defineTool } from '../../../activities/index.ts';
import type { RunHandle } from '../../../client/index.ts';
import { endToEnd } from '../../support/bench.ts';
import { inboxOf } from '../../support/people.ts';
import { golden } from '../../support/toolTexts.ts';
import { eventually } from '../../support/waits.ts';

const step = defineTool({
  name: 'step',
  description: 'Steps.',
  input: z.object({}),
  effect: 'read',
  run: () => 'stepped',
});

endToEnd('a raise that is not enough', (bench) => {
  const agent = bench.agent({
    tools: [step],
    budget: { modelCalls: 1, tokens: 1, atLimit: 'ask' },
    script: [{ calls: [{ tool: 'step' }] }, 'Done.'],
  });

  async function asksFor(handle: RunHandle, reason: RegExp): Promise<void> {
    await eventually(async () =>
      (await handle.questions()).some((one) => one.kind === 'budget' && reason.test(one.reason)),
    );
    await eventually(async () => {
      const [waiting] = await inboxOf(bench.holdfast, handle.workflowId);
      return waiting?.questions.some((one) => one.kind === 'budget' && reason.test(one.reason));
    });
  }

  test('leaves the question open with updated text until a sufficient raise', async () => {
    const handle = await bench.holdfast.start(agent.name, 'Go.', golden(bench.cached, 'budget-raised-twice'));
    await asksFor(handle, /budget of 1 token /);
    await handle.raise({ tokens: 1_000_000 });
    await asksFor(handle, /budget of 1 model call /);
    await handle.raise({ modelCalls: 5 });
    const { result } = await bench.finished(handle.workflowId);
    assert.deepEqual({ status: result.status, turns: result.turns }, { status: 'completed', turns: 2 });
  });

  test('updates the inbox of a paused run', async () => {
    const handle = await bench.holdfast.start(agent.name, 'Go.');
    await asksFor(handle, /budget of 1 token /);
    await handle.pause();
    await handle.raise({ tokens: 1_000_000, modelCalls: 5 });
    await eventually(async () => (await inboxOf(bench.holdfast, handle.workflowId)).length === 0);
    await handle.resume();
    assert.equal((await bench.finished(handle.workflowId)).result.status, 'completed');
  });
});
