// The agent of the session tests: it repeats its messages, and its tool waits to be killed.
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { defineAgent, defineTool } from '../../activities/index.ts';
import { offlineModel, type Script } from '../../activities/testing/index.ts';
import { writeLedger } from '../support/ledger.ts';

/** Waits at its first attempt for whatever the test does to its worker; the next is quick. */
const work = defineTool({
  name: 'work',
  description: 'Works.',
  input: z.object({}),
  effect: 'idempotent',
  timeout: '60 s',
  heartbeat: '2 s',
  async run(_, { attempt, signal }) {
    const ledger = process.env['LEDGER']!;
    writeLedger(ledger, 'started', 'work', attempt);
    if (attempt === 1) await sleep(3_600_000, undefined, { signal });
    writeLedger(ledger, 'ended', 'work', attempt);
    return 'worked';
  },
});

export const agents = [
  defineAgent({ name: 'teller', model: offlineModel('teller'), instructions: 'You tell.', tools: [work] }),
];

export const scripts: Readonly<Record<string, Script>> = {
  teller: ({ input, messages, results }) =>
    input === 'work' && results.length === 0
      ? { calls: [{ tool: 'work' }] }
      : messages.flatMap(({ role, content }) => (role === 'user' ? [content] : [])).join(' '),
};
