// Closes a request without a payment.
import { z } from 'zod';
import { defineTool, ToolError } from '../../activities/index.ts';
import { sqlState } from '../database/database.ts';
import { insertRejection, rejectionWithKey } from './database/queries.ts';
import { OrderId } from './orderId.ts';

const UNIQUE_VIOLATION = '23505';

export const noteRejection = defineTool({
  name: 'note_rejection',
  description: 'Notes that a refund request is rejected, and why. It is closed with that.',
  input: z.object({
    order_id: OrderId,
    reason: z.string().trim().min(1).max(500).describe('Why, in one sentence, for the customer to read.'),
  }),
  effect: 'idempotent',
  timeout: '15 s',
  heartbeat: '5 s',
  run: async ({ order_id, reason }, { idempotencyKey, workflowId, signal }) => {
    const rejection = { idempotency_key: idempotencyKey, order_id, reason, run: workflowId };
    const noted = await insertRejection(rejection, signal).catch((error) => {
      if (sqlState(error) !== UNIQUE_VIOLATION) throw error;
      throw new ToolError(`Not noted: order ${order_id} has been rejected already.`, { cause: error });
    });
    const recorded = noted ?? (await rejectionWithKey(idempotencyKey, signal));
    if (!recorded) throw new ToolError(`Not noted: there is no order ${order_id} that has not been refunded.`);
    return recorded;
  },
});
