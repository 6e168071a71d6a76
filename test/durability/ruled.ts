// The agent of ruled.test.ts: a guardrail, a permission, a budget that asks and an output schema, with a tool in which the
// worker dies.
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { defineAgent, defineTool } from '../../activities/index.ts';
import { offlineModel, type Script } from '../../activities/testing/index.ts';
import { writeLedger } from '../support/ledger.ts';

const step = defineTool({
  name: 'step',
  description: 'Does one step.',
  input: z.object({ name: z.string() }),
  effect: 'idempotent',
  timeout: '60 s',
  heartbeat: '2 s',
  async run({ name }, ctx) {
    const ledger = process.env['LEDGER']!;
    writeLedger(ledger, 'started', name, ctx.attempt);
    // Whatever the test does to its worker, it does in the first attempt.
    if (ctx.attempt === 1) await sleep(3_600_000, undefined, { signal: ctx.signal });
    writeLedger(ledger, 'ended', name, ctx.attempt);
    return `did ${name}`;
  },
});

export const agents = [
  defineAgent({
    name: 'ruled',
    model: offlineModel('ruled'),
    instructions: 'You work by the rules.',
    tools: [step],
    output: z.object({ steps: z.number() }),
    budget: { modelCalls: 1, atLimit: 'ask' },
    permissions: { deny: [{ tool: 'step', when: ({ name }) => name === 'never!', reason: 'that is forbidden' }] },
    beforeTool: ({ arguments: args }) => ({ change: { name: `${(args as { name: string }).name}!` } }),
  }),
];

export const scripts: Readonly<Record<string, Script>> = {
  ruled: [
    { calls: ['a', 'never'].map((name) => ({ tool: 'step', arguments: { name } })) },
    { text: 'One step.' },
    { text: '{"steps":1}' },
  ],
};
