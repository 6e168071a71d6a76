// The agent of the compaction tests. Its effects are in the ledger, and one of its steps waits in its first attempt for the
// test.
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { defineAgent, defineTool } from '../../activities/index.ts';
import { offlineModel, type Script, type ScriptFunction } from '../../activities/testing/index.ts';
import { writeLedger } from '../support/ledger.ts';

export const STEPS = 7;
/** After the first compaction: whoever works then has to ask for what is left of the conversation. */
export const WAITS_AT = 6;

const step = defineTool({
  name: 'step',
  description: 'One step.',
  input: z.object({ n: z.number(), waits: z.boolean() }),
  effect: 'idempotent',
  timeout: '60 s',
  heartbeat: '2 s',
  async run({ n, waits }, { attempt, signal }) {
    const ledger = process.env['LEDGER']!;
    writeLedger(ledger, 'started', `step ${n}`, attempt);
    if (waits && n === WAITS_AT && attempt === 1) await sleep(3_600_000, undefined, { signal });
    writeLedger(ledger, 'ended', `step ${n}`, attempt);
    return `step ${n} `.padEnd(1_500, '.');
  },
});

export const agents = [
  defineAgent({
    name: 'packer',
    model: offlineModel('packer'),
    instructions: 'You go step by step.',
    tools: [step],
    maxTurns: 20,
    compaction: { limitTokens: 2_500, keepTurns: 2 },
  }),
];

/** `Go, and wait.` is the run that loses its workers; any other is left in peace. */
export const scripts: Readonly<Record<string, Script>> = {
  packer: ({ turn, messages }) =>
    turn > STEPS
      ? 'Done.'
      : { calls: [{ tool: 'step', arguments: { n: turn, waits: messages[1]?.content === 'Go, and wait.' } }] },
};

export const summaries: Readonly<Record<string, ScriptFunction>> = {
  packer: ({ attempt, messages }) =>
    attempt === 1 && messages[1]?.content?.includes('Go, and wait.') ? { fault: 'hang' } : 'Steps were taken.',
};
