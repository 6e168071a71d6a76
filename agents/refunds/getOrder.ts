// An order, and what its customer says.
import { z } from 'zod';
import { defineTool } from '../../activities/index.ts';
import { TOOL_TIMEOUT_MS } from '../database/embedded.ts';
import { findOrder } from './database/queries.ts';
import { notFound, OrderId } from './orderId.ts';

export const getOrder = defineTool({
  name: 'get_order',
  description: 'An order with its customer, state and dates, what the customer says, and whether it was refunded.',
  input: z.object({ order_id: OrderId }),
  effect: 'read',
  timeout: TOOL_TIMEOUT_MS,
  heartbeat: '5 s',
  run: async ({ order_id }, { signal }) => (await findOrder(order_id, signal)) ?? notFound(order_id),
});
