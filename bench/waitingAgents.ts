// The agent of the benchmark `waiting`: it needs an approval at once, and waits for it.
import { z } from 'zod';
import { defineAgent, defineTool } from '../activities/index.ts';
import { offlineModel, type Script } from '../activities/testing/index.ts';

const pay = defineTool({
  name: 'pay',
  description: 'Pays.',
  input: z.object({ order: z.string(), cents: z.number() }),
  effect: 'idempotent',
  approval: ({ cents }) => ({ ask: `Pay ${cents / 100} back?` }),
  run: ({ order, cents }) => `paid ${cents} for ${order}`,
});

const NAME = 'waiter';

export const agents = [
  defineAgent({ name: NAME, model: offlineModel(NAME), instructions: 'You pay back.', tools: [pay] }),
];

export const scripts: Readonly<Record<string, Script>> = {
  [NAME]: ({ turn, input }) =>
    turn === 1 ? { calls: [{ tool: 'pay', arguments: { order: input, cents: 12_300 } }] } : { text: 'Done.' },
};
