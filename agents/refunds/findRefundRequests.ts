// Finds the night's work: refund requests that are neither paid nor rejected.
import { z } from 'zod';
import { defineTool } from '../../activities/index.ts';
import { TOOL_TIMEOUT_MS } from '../database/embedded.ts';
import { openRequests } from './database/queries.ts';

export const findRefundRequests = defineTool({
  name: 'find_refund_requests',
  description: 'Refund requests that are still open, the oldest first.',
  input: z.object({
    limit: z.number().int().min(1).max(50).default(20).describe('Maximum number of requests. Defaults to 20.'),
  }),
  effect: 'read',
  timeout: TOOL_TIMEOUT_MS,
  heartbeat: '5 s',
  run: async ({ limit }, { signal }) => {
    const requests = await openRequests(limit, signal);
    return { requests, count: requests.length };
  },
});
