// The agent of the topology's tests: five turns of three steps, each recorded in the ledger.
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { defineAgent, defineTool } from '../../activities/index.ts';
import { offlineModel, type Script } from '../../activities/testing/index.ts';
import { writeLedger } from '../support/ledger.ts';

export const TURNS = 5;
export const STEPS = ['a', 'b', 'c'] as const;
const STEP_MS = 150;

const step = defineTool({
  name: 'step',
  description: 'Does one step.',
  input: z.object({ name: z.string(), turn: z.number() }),
  effect: 'idempotent',
  heartbeat: '3 s',
  async run({ name, turn }, ctx) {
    const ledger = process.env['LEDGER']!;
    writeLedger(ledger, 'started', ctx.idempotencyKey, ctx.attempt);
    await sleep(STEP_MS);
    writeLedger(ledger, 'ended', ctx.idempotencyKey, ctx.attempt);
    return { done: `${turn}${name}` };
  },
});

export const walker = defineAgent({
  name: 'walker',
  model: offlineModel('walker'),
  instructions: 'You walk.',
  tools: [step],
});

export const scripts: Readonly<Record<string, Script>> = {
  walker: ({ turn, results }) =>
    turn > TURNS
      ? JSON.stringify(results.map(({ result }) => result))
      : { calls: STEPS.map((name) => ({ tool: 'step', arguments: { name, turn } })) },
};
