// The agent of the tests of effects: a tool of each effect, which waits in its first attempt for the test.
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { defineAgent, defineTool } from '../../activities/index.ts';
import { offlineModel, type Script } from '../../activities/testing/index.ts';
import type { Effect } from '../../core/types.ts';
import { writeLedger } from '../support/ledger.ts';

const HOUR_MS = 3_600_000;
const BLOCK_MS = 6_000;

function block(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

/**
 * `hangs`: for good. `listens`: until it is told to end. `frozen`: a moment, in which its process is stopped. `blocked`: a moment,
 * in which `look` blocks the event loop of them all beyond their heartbeat. `kills`: ends its process, each time.
 */
const Manner = z.enum(['hangs', 'listens', 'frozen', 'blocked', 'kills', 'quick']);

const tool = (name: string, effect: Effect) =>
  defineTool({
    name,
    description: 'Does something.',
    input: z.object({ manner: Manner }),
    effect,
    timeout: '60 s',
    heartbeat: '2 s',
    ...(effect !== 'once' && { retry: { initial: '100 ms', max: '200 ms' } }),
    async run({ manner }, { attempt, signal, idempotencyKey }) {
      const entry = `${name} ${idempotencyKey}`;
      writeLedger(process.env['LEDGER']!, 'started', entry, attempt);
      if (attempt === 1 && manner === 'hangs') await sleep(HOUR_MS);
      if (attempt === 1 && manner === 'listens') await sleep(HOUR_MS, undefined, { signal });
      if (attempt === 1 && manner === 'frozen') await sleep(1_000);
      if (manner === 'blocked') await sleep(500);
      if (attempt === 1 && manner === 'blocked' && name === 'look') block(BLOCK_MS);
      if (manner === 'kills') process.exit(1);
      if (manner === 'quick') await sleep(500);
      writeLedger(process.env['LEDGER']!, 'ended', entry, attempt);
      return { attempt };
    },
  });

export const hands = defineAgent({
  name: 'hands',
  model: offlineModel('hands'),
  instructions: 'You work.',
  tools: [tool('look', 'read'), tool('put', 'idempotent'), tool('send', 'once')],
});
export const agents = [hands];

export const scripts: Readonly<Record<string, Script>> = {
  hands: ({ turn, input: manner }) =>
    turn === 1
      ? {
          calls: (manner === 'kills' ? ['put'] : ['look', 'put', 'send']).map((name) => ({
            tool: name,
            arguments: { manner },
          })),
        }
      : 'Done.',
};
