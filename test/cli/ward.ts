// The agents of the CLI's tests. Each shows one thing; the model is their offline script.
import { z } from 'zod';
import { defineAgent, defineTool } from '../../activities/index.ts';
import { HOSTILE } from './hostile.ts';

const read = { effect: 'read', input: z.object({ bed: z.string().optional() }) } as const;
const pulse = defineTool({ ...read, name: 'pulse', description: 'Takes the pulse.', run: () => ({ pulse: 72 }) });
const fever = defineTool({
  ...read,
  name: 'fever',
  description: 'Fails.',
  retry: { attempts: 1 },
  run: () => {
    throw new Error('the thermometer is broken');
  },
});
const rest = defineTool({
  ...read,
  name: 'rest',
  description: 'Takes until it is cancelled.',
  run: (_, { signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
});
const say = defineTool({ ...read, name: 'say', description: 'Is hostile.', run: () => HOSTILE });

const base = { model: 'none', instructions: 'Look after the ward.' };

/** One call of each kind: good, failed, never run. */
export const ward = defineAgent({
  ...base,
  name: 'ward',
  tools: [pulse, fever],
  offline: [
    { calls: [{ tool: 'pulse', arguments: { bed: '7' } }, { tool: 'fever' }, { tool: 'scan' }] },
    'All is well.',
  ],
});
export const endless = defineAgent({
  ...base,
  name: 'endless',
  tools: [pulse],
  offline: () => ({ calls: [{ tool: 'pulse' }] }),
});
export const sleeper = defineAgent({
  ...base,
  name: 'sleeper',
  tools: [rest],
  offline: () => ({ calls: [{ tool: 'rest' }] }),
});

const hostile = defineAgent({
  ...base,
  name: 'hostile',
  tools: [say],
  offline: [
    {
      text: HOSTILE,
      calls: [
        { tool: 'say', arguments: { bed: HOSTILE } },
        { tool: HOSTILE, id: HOSTILE },
      ],
    },
    HOSTILE,
  ],
});
export default [hostile, ward];
