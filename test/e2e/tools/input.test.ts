// Calls that ask a person for input, and run again with the answer: tools of one's own, and MCP servers of both eras.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { defineTool, mcp, needsInput } from '../../../activities/index.ts';
import type { RunHandle } from '../../../client/index.ts';
import { INPUT } from '../../../core/limits.ts';
import { endToEnd } from '../../support/bench.ts';
import { type Asked, asked } from '../../support/people.ts';
import { toolTexts } from '../../support/toolTexts.ts';

const everything = fileURLToPath(import.meta.resolve('@modelcontextprotocol/server-everything/dist/index.js'));
const sums = fileURLToPath(new URL('../../support/mcpServer.ts', import.meta.url));

const folder = await mkdtemp(join(tmpdir(), 'holdfast-input-'));
after(() => rm(folder, { recursive: true }));

const call = (tool: string) => ({ calls: [{ tool, arguments: {} }] });
const once = (tool: string) => [call(tool), 'Done.'];

const keys: string[] = [];
const choose = defineTool({
  name: 'choose',
  description: 'Asks which account.',
  input: z.object({}),
  effect: 'once',
  approval: 'always',
  run(_, { answer, idempotencyKey, decision }) {
    keys.push(idempotencyKey);
    if (!answer) return needsInput('Which account?', '["a","b"]');
    return `${answer.text} of ${answer.state}, approved by ${decision?.by}`;
  },
});
const insist = defineTool({
  name: 'insist',
  description: 'Asks for ever.',
  input: z.object({}),
  effect: 'read',
  run: () => needsInput('More?'),
});

async function respond(handle: RunHandle, { call, digest }: Asked, text: string) {
  return handle.decide({ call, digest, verdict: 'respond', text, by: 'ann' });
}

async function question(handle: RunHandle, than?: Asked): Promise<Asked> {
  for (;;) {
    const [open] = await asked(handle);
    if (open && open.digest !== than?.digest && open.input) return open;
  }
}

endToEnd('calls that ask for input', (bench) => {
  const own = bench.agent({ tools: [choose], script: once('choose') });
  test('a call that was approved asks, and runs again under the same key', async () => {
    const handle = await bench.holdfast.start(own.name, 'Go.', {
      id: `${bench.cached ? 'golden-' : ''}input-${bench.cached ? 'asked' : randomUUID()}`,
    });
    const [approval] = await asked(handle);
    assert.equal(approval!.input, undefined);
    await handle.approve(undefined, { by: 'ben' });
    const open = await question(handle);
    assert.deepEqual(
      { question: open.question, external: open.external, tool: open.tool },
      { question: 'Which account?', external: true, tool: 'choose' },
    );
    await assert.rejects(handle.approve(), /respond with its result, or reject it/);
    // The approval has been decided, and its digest does not answer the question.
    const late = await respond(handle, approval!, 'b');
    assert.deepEqual({ verdict: late.verdict, isFirst: late.isFirst }, { verdict: 'approve', isFirst: false });
    await assert.rejects(
      respond(handle, { ...open, digest: `${approval!.digest}.2` }, 'b'),
      /other arguments than those that were decided about/,
    );
    await respond(handle, open, 'b');
    const { run } = await bench.finished(handle.workflowId);
    assert.deepEqual(toolTexts(run), ['b of ["a","b"], approved by ben']);
    const questions: (string | null)[] = [];
    for await (const event of handle.events())
      if (event.type === 'question' && event.question.kind === 'approval') questions.push(event.question.question);
    assert.deepEqual(questions, [null, 'Which account?']);
    const mine = keys.filter((key) => key.startsWith(`${handle.workflowId}/`));
    assert.deepEqual({ runs: mine.length, keys: new Set(mine).size }, { runs: 2, keys: 1 });
    assert.equal(run.spend.toolCalls, 1);
    // Answered twice: the first answer counts.
    assert.equal((await respond(handle, open, 'a')).text, 'b');
  });

  const inThread = defineTool({
    name: 'choose_in_thread',
    description: 'Asks which account.',
    input: z.object({}),
    effect: 'once',
    thread: new URL('../../support/threads/choose.ts', import.meta.url),
  });
  const threaded = bench.agent({ tools: [inThread], script: once('choose_in_thread') });
  test('a tool in a thread asks, and gets the answer', async () => {
    const handle = await bench.holdfast.start(threaded.name, 'Go.');
    const open = await question(handle);
    assert.equal(open.question, 'Which account?');
    await respond(handle, open, 'b');
    const { run } = await bench.finished(handle.workflowId);
    assert.deepEqual(toolTexts(run), ['b, under the same key']);
  });

  const carried = bench.agent({ tools: [choose], script: once('choose'), maxHistoryEvents: 15 });
  test('the question outlives steering and a new history', async () => {
    const handle = await bench.holdfast.start(carried.name, 'Go.');
    await asked(handle);
    await handle.approve();
    const open = await question(handle);
    for (let i = 0; i < 4; i += 1) await handle.steer(`Note ${i}.`);
    await respond(handle, open, 'a');
    const { run } = await bench.finished(handle.workflowId);
    assert.deepEqual(toolTexts(run), ['a of ["a","b"], approved by null']);
  });

  for (const [command, send] of [
    ['stop', (handle: RunHandle) => handle.stop()],
    ['cancelCall', (handle: RunHandle) => handle.cancelCall('1.0')],
    ['reject', (handle: RunHandle) => handle.reject('1.0', { why: 'No.' })],
  ] as const)
    test(`${command} ends a call that waits for an answer`, async () => {
      const handle = await bench.holdfast.start(own.name, 'Go.');
      await asked(handle);
      await handle.approve();
      await question(handle);
      await send(handle);
      const { run } = await bench.finished(handle.workflowId);
      assert.match(toolTexts(run)[0]!, /asked a person for input before its end, and was not answered/);
      assert.equal(run.spend.toolCalls, 1);
    });

  const impatient = bench.agent({ tools: [choose], script: once('choose'), approvalTimeout: '2 s' });
  test('a question that nobody answers times out', async () => {
    const handle = await bench.holdfast.start(impatient.name, 'Go.');
    await asked(handle);
    await handle.approve();
    await question(handle);
    const { run } = await bench.finished(handle.workflowId);
    assert.match(toolTexts(run)[0]!, /nobody decided within 2 s/);
  });

  const insistent = bench.agent({ tools: [insist], script: once('insist') });
  test('a tool that is never content fails after its last question', async () => {
    const handle = await bench.holdfast.start(insistent.name, 'Go.');
    let open: Asked | undefined;
    for (let round = 0; round < INPUT.roundsMax; round += 1) {
      open = await question(handle, open);
      await respond(handle, open, 'yes');
    }
    const { run } = await bench.finished(handle.workflowId);
    assert.match(toolTexts(run)[0]!, /asked for input more than 10 times/);
  });

  const log = join(folder, bench.mode);
  const server = { name: 'sums', command: process.execPath, args: [sums], env: { CALLS: log } } as const;
  const modern = mcp({ ...server, effect: 'once', tools: ['ask', 'visit', 'lecture', 'nest'] });

  const asks = bench.agent({ tools: [modern], script: once('ask') });
  test('an MCP server gets the answer and its state, once it fits', async () => {
    const handle = await bench.holdfast.start(asks.name, 'Go.');
    const open = await question(handle);
    assert.match(open.question!, /^the MCP server "sums" asks: Sure\? Answer with JSON for \{.*"sure"/);
    await respond(handle, open, '{"sure":"perhaps"}');
    const again = await question(handle, open);
    assert.match(again.question!, /^The answer did not fit: sure: .*expected boolean.* Sure\?/);
    await respond(handle, again, '{"sure":true}');
    const { run } = await bench.finished(handle.workflowId);
    assert.deepEqual(toolTexts(run), ['Answered: {"action":"accept","content":{"sure":true}}']);
    const lines = (await readFile(log, 'utf8')).split('\n').filter((line) => line.includes(`${handle.workflowId}/`));
    assert.deepEqual(
      lines.map((line) => line.split(' ')[2]),
      ['first', 'opaque'],
    );
  });

  const visits = bench.agent({ tools: [modern], script: once('visit') });
  test('a page to visit is shown, and any answer says that it was', async () => {
    const handle = await bench.holdfast.start(visits.name, 'Go.');
    const open = await question(handle);
    assert.match(open.question!, /Pay\. Open https:\/\/example\.com\/pay/);
    await respond(handle, open, 'done');
    const { run } = await bench.finished(handle.workflowId);
    assert.deepEqual(toolTexts(run), ['Visited: {"action":"accept"}']);
  });

  for (const [tool, problem] of [
    ['lecture', /asked a question of [\d,]+ bytes; it may have 4,096 bytes/],
    ['nest', /in a form that the protocol does not have|answered badly/],
  ] as const) {
    const bad = bench.agent({ tools: [modern], script: once(tool) });
    test(`a question that cannot be put is an error: ${tool}`, async () => {
      const { run } = await bench.run(bad);
      assert.match(toolTexts(run)[0]!, problem);
    });
  }

  for (const effect of ['read', 'once'] as const) {
    const older = bench.agent({
      tools: [
        mcp({
          name: 'everything',
          command: process.execPath,
          args: [everything],
          effect,
          tools: ['trigger-elicitation-request'],
        }),
      ],
      script: once('trigger-elicitation-request'),
    });
    test(`a server of the older era asks while a ${effect} call runs`, async () => {
      const handle = await bench.holdfast.start(older.name, 'Go.');
      if (effect === 'read') {
        const open = await question(handle);
        await respond(handle, open, '{"name":"Ada"}');
      }
      const { run } = await bench.finished(handle.workflowId);
      assert.match(toolTexts(run)[0]!, effect === 'read' ? /Ada/ : /cancel/i);
    });
  }
});
