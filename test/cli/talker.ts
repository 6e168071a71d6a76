// An agent for the tests of `chat`, which does what its input says.
import { appendFileSync } from 'node:fs';
import { z } from 'zod';
import { defineAgent, defineTool } from '../../activities/index.ts';
import { HOSTILE } from './hostile.ts';

export const STORY = Array.from({ length: 60 }, (_, i) => `word${i + 1}`).join(' ');

const pay = defineTool({
  name: 'pay',
  description: 'Pays.',
  effect: 'once',
  input: z.object({ amount: z.number() }),
  approval: () => true,
  run: ({ amount }) => {
    appendFileSync(process.env['TALKER_PAID'] ?? '', `${amount}\n`);
    return `paid ${amount}`;
  },
});
const rest = defineTool({
  name: 'rest',
  description: 'Takes until it is cancelled.',
  effect: 'read',
  input: z.object({}),
  run: (_, { signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
});

export const talker = defineAgent({
  name: 'talker',
  model: 'none',
  instructions: 'Do what you are told.',
  tools: [pay, rest],
  offline: ({ input, messages, attempt }) => {
    const last = messages.at(-1);
    if (last?.role === 'tool') return `Done: ${last.content}`;
    if (input.startsWith('pay '))
      return { text: 'I pay.', calls: [{ tool: 'pay', arguments: { amount: Number(input.slice(4)) } }] };
    if (input === 'rest') return { calls: [{ tool: 'rest' }] };
    if (input === 'story') return { text: STORY, chunkDelayMs: 250 };
    if (input === 'break' && attempt === 1) return { fault: 'reset', text: STORY, chunkDelayMs: 100, afterChunks: 20 };
    if (input === 'break') return 'Whole at last.';
    if (input === 'fail') return { fault: 'status', status: 400 };
    if (input === 'hostile') return HOSTILE;
    const said = messages.filter(({ role }) => role === 'user').length;
    return `${said}. You said: ${input}`;
  },
});
