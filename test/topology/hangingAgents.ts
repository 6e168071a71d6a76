// A `clock` whose tool hangs, for a run that is abandoned. A file tells when it has begun to wait.
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { defineAgent, defineTool } from '../../activities/index.ts';

const wait = defineTool({
  name: 'wait',
  description: 'Waits.',
  input: z.object({}),
  effect: 'read',
  timeout: '1 h',
  async run(_, { signal }) {
    await writeFile(join(tmpdir(), 'it-waits'), '');
    return sleep(3_600_000, 'Time is up.', { signal });
  },
});

export const clock = defineAgent({
  name: 'clock',
  model: 'gpt-4o-mini',
  instructions: 'You wait.',
  tools: [wait],
  offline: [{ calls: [{ tool: 'wait', arguments: {} }] }, { text: 'Done.' }],
});
