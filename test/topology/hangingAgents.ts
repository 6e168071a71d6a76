// A `clock` that never tells the time: for a run that somebody stops waiting for.
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { defineAgent, defineTool } from '../../activities/index.ts';

const wait = defineTool({
  name: 'wait',
  description: 'Waits.',
  input: z.object({}),
  effect: 'read',
  timeout: '1 h',
  run: (_, { signal }) => sleep(3_600_000, 'Time is up.', { signal }),
});

export const clock = defineAgent({
  name: 'clock',
  model: 'gpt-4o-mini',
  instructions: 'You wait.',
  tools: [wait],
  offline: [{ calls: [{ tool: 'wait', arguments: {} }] }, { text: 'Done.' }],
});
