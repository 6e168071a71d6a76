// Our agent, measured against the bare loop: one tool, and limits that no batch reaches.
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { defineAgent, defineTool } from '../../activities/index.ts';

const work = defineTool({
  name: 'work',
  description: 'Works.',
  input: z.object({ ms: z.number() }),
  effect: 'read',
  async run({ ms }, { signal }) {
    await sleep(ms, undefined, { signal });
    return 'done';
  },
});

export const loopAgent = defineAgent({
  name: 'loop',
  model: 'loop',
  instructions: 'You work.',
  tools: [work],
  maxTurns: 1_000,
  parallel: 1_000,
});
