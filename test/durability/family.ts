// The agents of the durability test of sub-agents: a boss with three sub-agents, in one of which the process dies.
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { asTool, defineAgent, defineTool } from '../../activities/index.ts';
import { offlineModel, type Script } from '../../activities/testing/index.ts';
import { writeLedger } from '../support/ledger.ts';

const ledger = () => process.env['LEDGER']!;

/** Waits at its first attempt for whatever the test does to its process; any further attempt is quick. */
const step = defineTool({
  name: 'step',
  description: 'Does one step.',
  input: z.object({ name: z.string() }),
  effect: 'idempotent',
  timeout: '60 s',
  heartbeat: '2 s',
  async run({ name }, ctx) {
    writeLedger(ledger(), 'started', name, ctx.attempt);
    if (name === 'b' && ctx.attempt === 1) await sleep(3_600_000, undefined, { signal: ctx.signal });
    writeLedger(ledger(), 'ended', name, ctx.attempt);
    return { done: name };
  },
});

const hand = defineAgent({ name: 'hand', model: offlineModel('hand'), instructions: 'You work.', tools: [step] });
const boss = defineAgent({
  name: 'boss',
  model: offlineModel('boss'),
  instructions: 'You let others work.',
  budget: { modelCalls: 100 },
  tools: [asTool(hand, { description: 'Works.' })],
});
export const agents = [boss];

export const scripts: Readonly<Record<string, Script>> = {
  boss: ({ turn, results }) =>
    turn === 1
      ? { calls: ['a', 'b', 'c'].map((input) => ({ tool: 'hand', arguments: { input } })) }
      : results.map(({ result }) => result).join(' '),
  hand: ({ turn, input }) => (turn === 1 ? { calls: [{ tool: 'step', arguments: { name: input } }] } : `did ${input}.`),
};
