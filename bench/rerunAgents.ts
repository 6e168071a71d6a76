// The agent of the runs that `npm run bench replay` plays again: one call a turn.
import { z } from 'zod';
import { defineAgent, defineTool } from '../activities/index.ts';

const step = defineTool({
  name: 'step',
  description: 'Takes a step.',
  input: z.object({ from: z.number() }),
  effect: 'read',
  run: ({ from }) => ({ at: from + 1 }),
});

export const walker = defineAgent({
  name: 'walker',
  model: 'scripted',
  instructions: 'Walk as far as you are told.',
  tools: [step],
  maxTurns: 100,
  offline: ({ turn, input }) => {
    const turns = Number(/\d+/.exec(input)?.[0] ?? 1);
    return turn < turns ? { calls: [{ tool: 'step', arguments: { from: turn } }] } : 'I am there.';
  },
});
