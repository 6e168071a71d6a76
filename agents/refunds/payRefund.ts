// Pays exactly once: a call that is retried, on any worker, finds its own payment in the ledger and returns it.
import { z } from 'zod';
import { type ApprovalRule, defineTool, type PermissionRule, ToolError } from '../../activities/index.ts';
import { sqlState, storable, UNIQUE_VIOLATION } from '../database/database.ts';
import { TOOL_TIMEOUT_MS } from '../database/embedded.ts';
import { findOrder, insertRefund, policyFor, refundWithKey } from './database/queries.ts';
import { money, OrderId } from './orderId.ts';
import { propose } from './policy.ts';

/** The agent may pay up to this amount without approval. */
export const APPROVAL_OVER_CENTS = 100_00;

const input = z.object({
  order_id: OrderId,
  cents: z.number().int().min(1).max(100_000_000).describe('The amount in cents: 24900 is 249.00.'),
});
type PayRefund = z.output<typeof input>;

/** A person decides about payments above that amount, and about those that exceed the policy. */
const approval: ApprovalRule<PayRefund> = async ({ order_id, cents }, { signal }) => {
  const order = await findOrder(order_id, signal);
  if (!order) return { ask: `There is no order ${order_id}. Pay ${money(cents)} anyway?` };
  const proposal = propose(order, await policyFor(order.category, signal));
  const given = proposal.decision === 'refund' ? proposal.cents : 0;
  if (cents <= APPROVAL_OVER_CENTS && cents <= given) return false;
  const policy = proposal.decision === 'refund' ? `gives ${money(given)}` : `says ${proposal.decision}`;
  return {
    ask:
      `Refund ${money(cents)} to ${order.customer} for ${order_id}, ${order.item}, which cost ${money(order.cents)}? ` +
      `The policy ${policy}: ${proposal.why} ` +
      (order.reason === null ? 'The customer has not asked for it.' : `The customer says: "${order.reason}"`),
  };
};

/** Denies a refund of more than the order cost, whoever asks for it or approves it. */
export const overTheOrdersAmount: PermissionRule = {
  tool: 'pay_refund',
  when: async ({ order_id, cents }: PayRefund, { signal }) => {
    const order = await findOrder(order_id, signal);
    return !order || cents > order.cents;
  },
  reason: 'a refund is never more than the order cost',
};

export const payRefund = defineTool({
  name: 'pay_refund',
  description: `Pays a refund. An order is refunded once. Over ${money(APPROVAL_OVER_CENTS)} a person decides first.`,
  input,
  effect: 'idempotent',
  timeout: TOOL_TIMEOUT_MS,
  // A lost worker is detected after this time.
  heartbeat: '3 s',
  approval,
  run: async ({ order_id, cents }, { idempotencyKey, workflowId, decision, signal }) => {
    const approved_by = decision ? storable(decision.by ?? '') || 'somebody' : null;
    const payment = { idempotency_key: idempotencyKey, order_id, cents, approved_by, run: workflowId };
    let clash: unknown;
    const paid = await insertRefund(payment, signal).catch((error) => {
      if (sqlState(error) !== UNIQUE_VIOLATION) throw error;
      clash = error;
    });
    // Even after a clash: it may be with another attempt of this call.
    const recorded = paid ?? (await refundWithKey(idempotencyKey, signal));
    if (recorded) return recorded;
    if (clash) throw refundedBefore(order_id, clash);
    throw new ToolError(`Not paid: there is no order ${order_id} that cost ${money(cents)} or more.`);
  },
});

function refundedBefore(orderId: string, cause: unknown): ToolError {
  return new ToolError(`Not paid: order ${orderId} has been refunded already, by another call. get_order shows it.`, {
    cause,
  });
}
