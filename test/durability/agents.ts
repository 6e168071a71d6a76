// The agent of the durability tests: four tools at once; the worker dies in the slow one.
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { defineAgent, defineTool } from '../../activities/index.ts';
import { offlineModel, type Script } from '../../activities/testing/index.ts';
import { writeLedger } from '../support/ledger.ts';

const ledger = () => process.env['LEDGER']!;

/** Waits at its first attempt for whatever the test does to its worker; any further attempt is quick. */
const step = defineTool({
  name: 'step',
  description: 'Does one step.',
  input: z.object({ name: z.string(), waits: z.boolean().default(false), ms: z.number().default(0) }),
  effect: 'idempotent',
  timeout: '60 s',
  heartbeat: '2 s',
  async run({ name, waits, ms }, ctx) {
    writeLedger(ledger(), 'started', name, ctx.attempt);
    if (waits && ctx.attempt === 1) await sleep(3_600_000, undefined, { signal: ctx.signal });
    await sleep(ms);
    writeLedger(ledger(), 'ended', name, ctx.attempt);
    return { done: name };
  },
});

const pay = defineTool({
  name: 'pay',
  description: 'Pays.',
  input: z.object({ name: z.string() }),
  effect: 'once',
  heartbeat: '2 s',
  async run({ name }, ctx) {
    writeLedger(ledger(), 'started', name, ctx.attempt);
    await sleep(3_600_000, undefined, { signal: ctx.signal });
    return { paid: name };
  },
});

export const crew = defineAgent({
  name: 'crew',
  model: offlineModel('crew'),
  instructions: 'You work.',
  tools: [step, pay],
});
export const agents = [crew];

/** Four steps at once, of which `d` may wait; then a report of what came back. */
export const scripts: Readonly<Record<string, Script>> = {
  crew: ({ turn, attempt, input, results }) => {
    if (turn > 1) return JSON.stringify(results.map(({ result }) => result));
    if (input === 'pay')
      return {
        calls: [
          { tool: 'pay', arguments: { name: 'p' } },
          { tool: 'step', arguments: { name: 'a' } },
        ],
      };
    if (input === 'hang')
      return attempt === 1 ? { fault: 'hang' } : { calls: [{ tool: 'step', arguments: { name: 'a' } }] };
    const ms = Number(/\d+/.exec(input)?.[0] ?? 0);
    return {
      calls: ['a', 'b', 'c', 'd'].map((name) => ({
        tool: 'step',
        arguments: { name, waits: input === 'wait' && name === 'd', ms },
      })),
    };
  },
};
