// A question that a call has asked outlives the worker and the MCP server that asked it.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { asked } from '../support/people.ts';
import { serverAddress } from '../support/server.ts';
import { toolTexts } from '../support/toolTexts.ts';
import { eventually } from '../support/waits.ts';
import { scripts } from './inputAgent.ts';
import { openCase } from './openCase.ts';

const cast = { module: new URL('./inputAgent.ts', import.meta.url), scripts };

describe('a call that asked for input', () => {
  let address: string;
  before(async () => {
    address = await serverAddress();
  });

  for (const [mode, maxCached] of [
    ['cached workflows', {}],
    ['replaying every task', { maxCachedWorkflows: 0 }],
  ] as const)
    test(`SIGKILL of worker and server while the question is open (${mode})`, async () => {
      const here = await openCase(address, cast, maxCached);
      const doomed = await here.worker();
      const handle = await here.holdfast.start('asker', 'Go.', { id: `asker-${randomUUID()}` });
      const [open] = await asked(handle);
      // The memo has it as soon as the workflow does.
      const entry = await eventually(async () => {
        const { waiting } = await here.holdfast.inbox({ agent: 'asker' });
        return waiting.find(({ workflowId }) => workflowId === handle.workflowId);
      });
      assert.equal(entry.questions[0]?.kind, 'approval');
      await doomed.end('SIGKILL');
      // Nobody works for the run now.
      await here.worker();
      await handle.decide({ call: '1.0', digest: open!.digest, verdict: 'respond', text: '{"sure":true}' });
      assert.equal((await handle.result()).status, 'completed');
      assert.deepEqual(toolTexts(await handle.read()), ['Answered: {"action":"accept","content":{"sure":true}}']);
      const calls = readFileSync(here.ledger, 'utf8').trim().split('\n');
      assert.deepEqual(
        calls.map((line) => line.split(' ')[2]),
        ['first', 'opaque'],
      );
      assert.equal(new Set(calls.map((line) => line.split(' ')[1])).size, 1);
      await here.close();
    });
});
