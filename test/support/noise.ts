// A tool whose results do not compress well.
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { defineTool } from '../../activities/index.ts';

/** Characters of one result: nearly all that a result may have. */
export const RESULT = 60_000;

export const noise = defineTool({
  name: 'noise',
  description: 'Gives a text that gets smaller by a quarter at most.',
  input: z.object({}),
  effect: 'read',
  run: () => randomBytes(RESULT).toString('base64').slice(0, RESULT),
});
