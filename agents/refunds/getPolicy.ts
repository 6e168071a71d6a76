// The current refund policy from the database.
import { z } from 'zod';
import { defineTool } from '../../activities/index.ts';
import { TOOL_TIMEOUT_MS } from '../database/embedded.ts';
import { policies } from './database/queries.ts';

export const getPolicy = defineTool({
  name: 'get_policy',
  description: 'The refund policy by category: days from delivery, percent, whether the goods must be returned.',
  input: z.object({}),
  effect: 'read',
  timeout: TOOL_TIMEOUT_MS,
  heartbeat: '5 s',
  run: async (_, { signal }) => ({ policy: await policies(signal) }),
});
