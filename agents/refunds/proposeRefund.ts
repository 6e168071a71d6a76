// Applies the policy to an order, without paying.
import { z } from 'zod';
import { defineTool } from '../../activities/index.ts';
import { TOOL_TIMEOUT_MS } from '../database/embedded.ts';
import { findOrder, policyFor } from './database/queries.ts';
import { notFound, OrderId } from './orderId.ts';
import { type Proposal, propose } from './policy.ts';

export const proposeRefund = defineTool({
  name: 'propose_refund',
  description: 'Applies the policy to an order: refund with the cents, reject, or leave it to a person; and why.',
  input: z.object({ order_id: OrderId }),
  effect: 'read',
  timeout: TOOL_TIMEOUT_MS,
  heartbeat: '5 s',
  run: async ({ order_id }, { signal }) => {
    const proposal = await proposalFor(order_id, signal);
    return proposal ? { order_id, ...proposal } : notFound(order_id);
  },
});

export async function proposalFor(orderId: string, signal: AbortSignal): Promise<Proposal | undefined> {
  const order = await findOrder(orderId, signal);
  return order && propose(order, await policyFor(order.category, signal));
}
