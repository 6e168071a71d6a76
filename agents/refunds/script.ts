// Plays the model for both agents where no key is set. Its answers depend only on the transcript.
import type { ScriptedAnswer, ScriptedCall, ScriptedRequest } from '../../activities/testing/script.ts';
import type { NightlyReport, OrderOutcome } from './outcome.ts';

const NOTE = 'Written from the tool results by an offline script, not by a model.';

type Results = ScriptedRequest['results'];

/** The coordinator: finds the requests, starts a run for each, and reports. */
export function coordinatorScript({ messages, results }: ScriptedRequest): ScriptedAnswer {
  const found = resultOf(results, 'find_refund_requests');
  if (results.length === 0) return { calls: [{ tool: 'find_refund_requests' }] };
  if (!found) return report(settled(messages, results));
  const ids = orderIdsIn(found);
  if (ids.length === 0) return report([], errorOf(found) ?? 'There is nothing to do.');
  const calls = ids.map((order_id): ScriptedCall => ({ tool: 'refund_order', arguments: { order_id } }));
  return { text: 'Each order gets a run of its own, all in parallel.', calls };
}

/** One order: looks it up, follows the policy, and answers with the outcome. */
export function orderScript({ input, results }: ScriptedRequest): ScriptedAnswer {
  const order_id = /\bO-\d{4}\b/.exec(input)?.[0];
  if (!order_id) return answer('', 'open', 0, 'The request has no order id such as O-1003.');
  const open = (why: string) => answer(order_id, 'open', 0, why);
  const note = (reason: string) => ({ calls: [{ tool: 'note_rejection', arguments: { order_id, reason } }] });
  if (results.length === 0) {
    const lookUp = ['get_order', 'propose_refund'].map((tool) => ({ tool, arguments: { order_id } }));
    return { calls: [...lookUp, { tool: 'get_policy' }] };
  }

  const paid = resultOf(results, 'pay_refund');
  if (paid) {
    const [, why] = /^rejected by a person(?:: (.*))?$/s.exec(errorOf(paid) ?? '') ?? [undefined, null];
    if (why !== null) return note(why?.trim() || 'A person has rejected it.');
    if (typeof paid.cents !== 'number') return open(errorOf(paid) ?? 'The result of the payment could not be read.');
    return answer(
      order_id,
      'paid',
      paid.cents,
      paid.approved_by ? `Approved by ${paid.approved_by}.` : 'By the policy.',
    );
  }
  const noted = resultOf(results, 'note_rejection');
  if (noted) {
    const error = errorOf(noted);
    return error === undefined ? answer(order_id, 'rejected', 0, String(noted.reason)) : open(error);
  }
  const proposal = resultOf(results, 'propose_refund') ?? {};
  switch (proposal.decision) {
    case 'refund':
      return { calls: [{ tool: 'pay_refund', arguments: { order_id, cents: proposal.cents } }] };
    case 'reject':
      return note(String(proposal.why));
    default:
      return open(errorOf(proposal) ?? String(proposal.why ?? 'The policy could not be applied.'));
  }
}

type Result = Readonly<Record<string, unknown>>;

/** The tool's result, if it was called. A result that is not an object, because it was cut, counts as empty. */
function resultOf(results: Results, tool: string): Result | undefined {
  const found = results.find((result) => result.tool === tool);
  if (!found) return undefined;
  const result = typeof found.result === 'string' ? withoutNote(found.result) : found.result;
  return isObject(result) ? result : {};
}

/** If a person has edited a call, its result comes after a line that says so. */
function withoutNote(text: string): unknown {
  try {
    return JSON.parse(text.slice(text.indexOf('\n') + 1));
  } catch {
    return text;
  }
}

function isObject(value: unknown): value is Result {
  return typeof value === 'object' && value !== null;
}

function errorOf({ error }: Result): string | undefined {
  return error === undefined ? undefined : String(error);
}

function orderIdsIn({ requests }: Result): string[] {
  if (!Array.isArray(requests)) return [];
  return requests.flatMap((request) =>
    isObject(request) && typeof request['order_id'] === 'string' ? request['order_id'] : [],
  );
}

/** The outcomes, in the order of the calls. The order id comes from the call, since a failed run does not return it. */
function settled(messages: ScriptedRequest['messages'], results: Results): OrderOutcome[] {
  const asked = messages.findLast((message) => message.role === 'assistant');
  const calls = asked?.role === 'assistant' ? (asked.tool_calls ?? []) : [];
  return results.map(({ result }, slot) => {
    const order_id = /O-\d{4}/.exec(calls[slot]?.function.arguments ?? '')?.[0] ?? '';
    const fields = isObject(result) ? result : {};
    const { outcome, cents, why } = fields;
    if ((outcome === 'paid' || outcome === 'rejected' || outcome === 'open') && typeof cents === 'number')
      return { order_id, outcome, cents, why: String(why) };
    return { order_id, outcome: 'open', cents: 0, why: errorOf(fields) ?? 'Its run returned no outcome.' };
  });
}

function report(orders: readonly OrderOutcome[], remark = ''): string {
  const count = (outcome: OrderOutcome['outcome']) => orders.filter((order) => order.outcome === outcome).length;
  const value: NightlyReport = {
    paid: count('paid'),
    rejected: count('rejected'),
    open: count('open'),
    cents: orders.reduce((sum, { cents }) => sum + cents, 0),
    orders: [...orders],
    note: `${remark} ${NOTE}`.trim(),
  };
  return JSON.stringify(value);
}

function answer(order_id: string, outcome: OrderOutcome['outcome'], cents: number, why: string): string {
  return JSON.stringify({ order_id, outcome, cents, why } satisfies OrderOutcome);
}
