// The agents of the tests of `rerun` and `record-test`. What really happened goes into a file, if the environment names one.
import { appendFileSync } from 'node:fs';
import { z } from 'zod';
import { defineAgent, defineTool } from '../../activities/index.ts';

function happened(what: string): void {
  const file = process.env['HAPPENED'];
  if (file) appendFileSync(file, `${what}\n`);
}

const getOrder = defineTool({
  name: 'get_order',
  description: 'Gets an order.',
  input: z.object({ order: z.number() }),
  effect: 'read',
  run: ({ order }) => {
    happened(`get_order ${order}`);
    return { order, total: 20 };
  },
});

const refund = defineTool({
  name: 'refund',
  description: 'Refunds an order.',
  input: z.object({ order: z.number(), amount: z.number() }),
  effect: 'idempotent',
  run: ({ order, amount }) => {
    happened(`refund ${order}`);
    return { refunded: amount };
  },
});

const sendLetter = defineTool({
  name: 'send_letter',
  description: 'Sends a letter.',
  input: z.object({ order: z.number() }),
  effect: 'once',
  run: ({ order }) => {
    happened(`send_letter ${order}`);
    return 'sent';
  },
});

export const clerk = defineAgent({
  name: 'clerk',
  model: 'gpt-5',
  instructions: 'Refund orders.',
  tools: [getOrder, refund, sendLetter],
  approvals: { refund: process.env['STRICT'] ? 'always' : 'never' },
  // What the agent does otherwise, and comes to an end all the same.
  permissions: process.env['DENIED'] ? { deny: [{ tool: 'get_order', reason: 'not today' }] } : {},
  offline: ({ turn, input }) => {
    const order = Number(/\d+/.exec(input)?.[0] ?? 0);
    if (turn === 1) return { calls: [{ tool: 'get_order', arguments: { order } }] };
    // What the model does otherwise, in a test.
    if (turn === 2 && process.env['GREEDY']) return { calls: [{ tool: 'refund', arguments: { order, amount: 200 } }] };
    if (turn === 2) return { calls: [{ tool: 'refund', arguments: { order, amount: 20 } }] };
    return `Order ${order} is refunded.`;
  },
});
