// The agents of the tests of `holdfast mcp`. Offline scripts play the model.
import { access } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { asTool, defineAgent, defineTool, external } from '../../activities/index.ts';

// Over standard output, this would be a message of the protocol.
console.log('The agents file prints.');

const base = { model: 'none', instructions: 'Secret instructions.' };

export const talker = defineAgent({
  ...base,
  name: 'talker',
  description: 'Repeats what it is told.',
  offline: ({ input }) => `You said: ${input}`,
});

/** Its context says for whom, and its output has a schema. */
export const reporter = defineAgent({
  ...base,
  name: 'reporter',
  context: z.object({ tenant: z.string() }),
  output: z.object({ city: z.string(), degrees: z.number() }),
  offline: ({ input }) => JSON.stringify({ city: input, degrees: 21 }),
});

/** Answers when the file is there that it was given as its input. */
const wait = defineTool({
  name: 'wait',
  description: 'Waits for a file.',
  input: z.object({ file: z.string() }),
  effect: 'read',
  timeout: '5 min',
  async run({ file }, { signal }) {
    while (!signal.aborted)
      try {
        await access(file);
        return 'It is there.';
      } catch {
        await sleep(50);
      }
    throw signal.reason;
  },
});
export const waiter = defineAgent({
  ...base,
  name: 'waiter',
  tools: [wait],
  offline: [({ input }) => ({ calls: [{ tool: 'wait', arguments: { file: input } }] }), 'It has come.'],
});

const pay = defineTool({
  name: 'pay',
  description: 'Pays.',
  input: z.object({ amount: z.number(), to: z.string() }),
  effect: 'idempotent',
  approval: ({ amount }) => ({ ask: `Pay ${amount}?` }),
  run: ({ amount, to }) => `paid ${amount} to ${to}`,
});
const tells = ({ results }: { readonly results: readonly { readonly result: unknown }[] }) =>
  results.map(({ result }) => (typeof result === 'string' ? result : JSON.stringify(result))).join('; ');

const pays = {
  ...base,
  tools: [pay],
  offline: [{ calls: [{ tool: 'pay', arguments: { amount: 500, to: 'ann\u202e' } }] }, tells],
};
export const payer = defineAgent({ ...pays, name: 'payer' });
/** Not exported, so that it is no tool. */
const clerk = defineAgent({ ...pays, name: 'clerk' });
/** A decision after the other, more than a client answers during one call. */
export const spender = defineAgent({
  ...base,
  name: 'spender',
  tools: [pay],
  maxTurns: 20,
  offline: ({ turn }) =>
    turn <= 9 ? { calls: [{ tool: 'pay', arguments: { amount: turn, to: 'bob' } }] } : 'All is spent.',
});
/** Its sub-agent asks. */
export const chief = defineAgent({
  ...base,
  name: 'chief',
  tools: [asTool(clerk, { description: 'Pays what is due.' })],
  offline: [{ calls: [{ tool: 'clerk', arguments: { input: 'Pay.' } }] }, tells],
});
/** Its call is carried out elsewhere, and its budget has to be raised after that. */
export const buyer = defineAgent({
  ...base,
  name: 'buyer',
  tools: [external({ name: 'order', description: 'Orders.', input: z.object({ item: z.string() }) })],
  budget: { modelCalls: 1, atLimit: 'ask' },
  offline: [{ calls: [{ tool: 'order', arguments: { item: 'bread' } }] }, tells],
});
/** Ends without an answer. */
export const endless = defineAgent({
  ...base,
  name: 'endless',
  maxTurns: 2,
  tools: [wait],
  offline: () => ({ calls: [{ tool: 'wait', arguments: { file: '/' } }] }),
});
