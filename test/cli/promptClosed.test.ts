// The prompt at the bottom of the screen releases the keyboard when it closes.
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { createPrompt } from '../../cli/terminal/prompt.ts';
import { createScreen } from '../../cli/terminal/screen.ts';
import type { OpenQuestion } from '../../cli/view/openQuestions.ts';
import { RunOver } from '../../client/index.ts';
import { eventually, gate } from '../support/waits.ts';

const ENDS = {
  accepted: () => {},
  refused: () => {
    throw new RunOver('run_over', { workflowId: 'paid' });
  },
};

for (const [end, returns] of Object.entries(ENDS))
  test(`neither asks nor draws when a run has ended before its answer is ${end}`, async () => {
    const returned = gate();
    const stop = async () => {
      await returned.opened;
      returns();
    };
    let drawn = 0;
    const terminal = Object.assign(new PassThrough(), { isTTY: true }) as unknown as NodeJS.WriteStream;
    terminal.on('data', () => {
      drawn += 1;
    });
    process.env['TERM'] = 'xterm';
    const screen = createScreen(terminal);
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
    const prompt = createPrompt({ screen, input, rootId: 'paid', howTo: () => '' });
    const sees = (pattern: RegExp) => eventually(async () => pattern.test(prompt.lines().join('\n')));

    screen.live(() => prompt.lines());
    prompt.show([open]);
    await sees(/\[s\]top/);
    input.write('s\r');
    await sees(/stop, why/);
    input.write('enough\r');
    await sees(/^ {2}…$/m);
    prompt.close();
    screen.clear();
    await new Promise((done) => setImmediate(done));
    const before = drawn;
    assert.ok(before > 0);
    returned.open();
    await new Promise((done) => setImmediate(done));
    assert.equal(drawn, before, 'what is drawn after the end keeps the command from ending');
    assert.deepEqual(prompt.lines(), []);
    assert.equal(input.listenerCount('keypress'), 0, 'nobody listens to the keyboard');
  });
