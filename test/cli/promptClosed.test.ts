// The prompt at the bottom of the screen releases the keyboard when it closes.
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { createPrompt } from '../../cli/terminal/prompt.ts';
import type { OpenQuestion } from '../../cli/view/openQuestions.ts';
import { RunOver } from '../../client/index.ts';
import { eventually, gate } from '../support/waits.ts';
import { screenOf } from './screens.ts';

test('asks nothing more after an answer that the ended run refused', async () => {
  const refused = gate();
  const stop = async () => {
    await refused.opened;
    throw new RunOver('run_over', { workflowId: 'paid' });
  };
  const question = {
    kind: 'budget',
    reason: 'The budget of 2 model calls is used up.',
    sinceMs: 1,
    spend: {},
    budget: {},
  };
  // The parts of a question that are looked at.
  const open = { key: 'paid budget', handle: { workflowId: 'paid', stop }, question } as unknown as OpenQuestion;
  const input = new PassThrough() as unknown as NodeJS.ReadStream & PassThrough;
  const prompt = createPrompt({ screen: screenOf(80), input, rootId: 'paid', howTo: () => '', redraw: () => {} });
  const sees = (pattern: RegExp) => eventually(async () => pattern.test(prompt.lines().join('\n')));

  prompt.show([open]);
  await sees(/\[s\]top/);
  input.write('s\r');
  await sees(/stop, why/);
  input.write('enough\r');
  await sees(/^ {2}…$/m);
  prompt.close();
  refused.open();
  await new Promise((done) => setImmediate(done));
  assert.deepEqual(prompt.lines(), []);
  assert.equal(input.listenerCount('keypress'), 0, 'nobody listens to the keyboard');
});
