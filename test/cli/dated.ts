// An agent whose requests have a clock and chance in them, for the tests of `record-test`. The environment changes parts of them.
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { defineAgent, defineTool } from '../../activities/index.ts';

const { WORDS = 'Be kind.', DESCRIPTION = 'Looks up.', TEMPERATURE = '0.2', NOTE = 'note' } = process.env;

export const dated = defineAgent({
  name: 'dated',
  model: 'gpt-5',
  instructions: () => `${WORDS} It is ${new Date().toISOString()}, or ${Date.now()}.`,
  temperature: Number(TEMPERATURE),
  tools: [
    defineTool({
      name: 'look_up',
      description: DESCRIPTION,
      input: z.object({}),
      effect: 'read',
      run: () => 'account 4711',
    }),
  ],
  beforeModel: (messages) => ({
    change: messages.map((message) => {
      if (message.role === 'user') return { ...message, content: `${message.content} (${randomUUID()})` };
      return message.role === 'tool' ? { ...message, content: `${NOTE}: ${message.content} at ${Date()}` } : message;
    }),
  }),
  offline: ({ turn }) => (turn < 3 ? { calls: [{ tool: 'look_up' }] } : 'Done.'),
});
