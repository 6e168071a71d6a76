// Checks the ledger of `npm run example:refunds` against the policy and the decisions, computed independently of what the
// agents report.
import { query } from '../../agents/refunds/database/index.ts';
import { findOrder, policyFor, type Refund } from '../../agents/refunds/database/queries.ts';
import { money } from '../../agents/refunds/orderId.ts';
import { APPROVAL_OVER_CENTS } from '../../agents/refunds/payRefund.ts';
import { propose } from '../../agents/refunds/policy.ts';

/** A person's decision about a payment. */
export interface Decided {
  readonly verdict: 'approve' | 'edit' | 'reject';
  /** For `edit`. */
  readonly cents?: number;
  readonly by: string;
  readonly why: string;
}

export interface Ledger {
  readonly entries: readonly Refund[];
  /** Ids of orders whose request was rejected. */
  readonly rejected: readonly string[];
}

export async function readLedger(): Promise<Ledger> {
  const entries = await query<Refund>(
    'SELECT order_id, cents, approved_by, run, paid_at FROM refunds ORDER BY order_id, paid_at',
    [],
  );
  const rejections = await query<{ order_id: string }>('SELECT order_id FROM rejections ORDER BY order_id', []);
  return { entries, rejected: rejections.map(({ order_id }) => order_id) };
}

interface Due {
  readonly outcome: 'paid' | 'rejected' | 'open';
  readonly cents: number;
  readonly by: string | null;
  readonly why: string;
}

export interface Comparison {
  readonly lines: readonly string[];
  readonly problems: string[];
  readonly entries: readonly Refund[];
  readonly cents: number;
}

/** Compares what is due with what the ledger has, for every request. */
export async function compareLedger(decided: ReadonlyMap<string, Decided>): Promise<Comparison> {
  const { entries, rejected } = await readLedger();
  const requests = await query<{ order_id: string }>('SELECT order_id FROM refund_requests ORDER BY order_id', []);
  const lines: string[] = [];
  const problems: string[] = [];
  for (const { order_id } of requests) {
    const due = await dueFor(order_id, decided.get(order_id));
    const payments = entries.filter((entry) => entry.order_id === order_id);
    const has =
      payments.map(({ cents }) => money(cents)).join(' + ') || (rejected.includes(order_id) ? 'rejected' : '-');
    const wanted = due.outcome === 'paid' ? money(due.cents) : due.outcome === 'rejected' ? 'rejected' : '-';
    const isRight = has === wanted && payments.every(({ approved_by }) => approved_by === due.by);
    lines.push(
      `  ${order_id}  due ${wanted.padStart(8)}  ledger ${has.padStart(8)}  ${isRight ? '✓' : '✗'}  ${due.why}`,
    );
    if (!isRight) problems.push(`${order_id}: ${wanted} is due, but the ledger has ${has}`);
  }
  const requested = new Set(requests.map(({ order_id }) => order_id));
  for (const { order_id, cents } of entries)
    if (!requested.has(order_id)) problems.push(`${order_id}: no refund was requested, but ${money(cents)} was paid`);
  return { lines, problems, entries, cents: entries.reduce((sum, { cents }) => sum + cents, 0) };
}

/** Computes what is due, from the order as it was before its refund. */
async function dueFor(orderId: string, decision: Decided | undefined): Promise<Due> {
  const { signal } = new AbortController();
  const order = await findOrder(orderId, signal);
  if (!order) throw new Error(`The order ${orderId} of a request does not exist.`);
  const proposal = propose(
    { ...order, refunded_cents: null, rejected_because: null },
    await policyFor(order.category, signal),
  );
  if (proposal.decision === 'reject')
    return { outcome: 'rejected', cents: 0, by: null, why: `policy: ${proposal.why}` };
  if (proposal.decision === 'leave') return { outcome: 'open', cents: 0, by: null, why: proposal.why };
  if (proposal.cents <= APPROVAL_OVER_CENTS) return { outcome: 'paid', cents: proposal.cents, by: null, why: 'policy' };
  if (!decision) return { outcome: 'open', cents: 0, by: null, why: 'no decision: open for the next night' };
  const { verdict, by, cents = proposal.cents } = decision;
  const why = `${by}: ${verdict}`;
  return verdict === 'reject' ? { outcome: 'rejected', cents: 0, by: null, why } : { outcome: 'paid', cents, by, why };
}
