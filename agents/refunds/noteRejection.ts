// Closes a request without a payment.
import { z } from 'zod';
import { defineTool, ToolError } from '../../activities/index.ts';
import { sqlState, storable, UNIQUE_VIOLATION } from '../database/database.ts';
import { TOOL_TIMEOUT_MS } from '../database/embedded.ts';
import { insertRejection, rejectionWithKey } from './database/queries.ts';
import { OrderId } from './orderId.ts';

/**
 * As long as a person's reason may be, plus a note if that was cut. A longer text is cut rather than refused: the rejection
 * itself has to be noted.
 */
const REASON_CHARS_MAX = 4_100;

export const noteRejection = defineTool({
  name: 'note_rejection',
  description: 'Notes that a refund request is rejected, and why. This closes it.',
  input: z.object({
    order_id: OrderId,
    reason: z
      .string()
      .trim()
      .min(1)
      .describe("Why, in one sentence, for the customer to read; or a person's own words."),
  }),
  effect: 'idempotent',
  timeout: TOOL_TIMEOUT_MS,
  heartbeat: '5 s',
  run: async ({ order_id, reason }, { idempotencyKey, workflowId, signal }) => {
    const stored = cut(storable(reason));
    const rejection = { idempotency_key: idempotencyKey, order_id, reason: stored, run: workflowId };
    let clash: unknown;
    const noted = await insertRejection(rejection, signal).catch((error) => {
      if (sqlState(error) !== UNIQUE_VIOLATION) throw error;
      clash = error;
    });
    // Even after a clash: it may be with another attempt of this call.
    const recorded = noted ?? (await rejectionWithKey(idempotencyKey, signal));
    if (recorded) return recorded;
    if (clash) throw new ToolError(`Not noted: order ${order_id} has been rejected already.`, { cause: clash });
    throw new ToolError(`Not noted: there is no order ${order_id} that has not been refunded.`);
  },
});

function cut(reason: string): string {
  if (reason.length <= REASON_CHARS_MAX) return reason;
  return `${reason.slice(0, REASON_CHARS_MAX)}… [cut: ${reason.length} characters]`.toWellFormed();
}
