// All statements of the refunds' tools. Values are passed as parameters only; both databases get the same SQL.
import { query, write } from './index.ts';

export interface RefundRequest {
  order_id: string;
  requested_on: string;
  reason: string;
}

/** Requests that are neither paid nor rejected, the oldest first. */
export function openRequests(limit: number, signal: AbortSignal): Promise<RefundRequest[]> {
  const sql = `
    SELECT order_id, requested_on, reason FROM refund_requests AS request
    WHERE NOT EXISTS (SELECT 1 FROM refunds WHERE refunds.order_id = request.order_id)
      AND NOT EXISTS (SELECT 1 FROM rejections WHERE rejections.order_id = request.order_id)
    ORDER BY requested_on, order_id LIMIT $1`;
  return query(sql, [limit], signal);
}

export interface Order {
  order_id: string;
  customer: string;
  item: string;
  category: string;
  cents: number;
  state: 'in_transit' | 'delivered' | 'returned';
  ordered_on: string;
  delivered_on: string | null;
  /** null if there is no refund request. */
  requested_on: string | null;
  reason: string | null;
  refunded_cents: number | null;
  rejected_because: string | null;
}

export async function findOrder(orderId: string, signal: AbortSignal): Promise<Order | undefined> {
  const sql = `
    SELECT orders.id AS order_id, customers.name AS customer, item, category, orders.cents, state, ordered_on,
      delivered_on, requested_on, refund_requests.reason, refunds.cents AS refunded_cents,
      rejections.reason AS rejected_because
    FROM orders
    JOIN customers ON customers.id = orders.customer_id
    LEFT JOIN refund_requests ON refund_requests.order_id = orders.id
    LEFT JOIN refunds ON refunds.order_id = orders.id
    LEFT JOIN rejections ON rejections.order_id = orders.id
    WHERE orders.id = $1`;
  return (await query<Order>(sql, [orderId], signal))[0];
}

export interface Policy {
  category: string;
  window_days: number;
  percent: number;
  needs_return: boolean;
  note: string;
}

export function policies(signal: AbortSignal): Promise<Policy[]> {
  const sql =
    'SELECT category, window_days, percent, needs_return, note FROM refund_policy ORDER BY category LIMIT 100';
  return query(sql, [], signal);
}

export async function policyFor(category: string, signal: AbortSignal): Promise<Policy | undefined> {
  const sql = 'SELECT category, window_days, percent, needs_return, note FROM refund_policy WHERE category = $1';
  return (await query<Policy>(sql, [category], signal))[0];
}

export interface Refund {
  order_id: string;
  cents: number;
  approved_by: string | null;
  run: string;
  paid_at: string;
}

export interface Payment extends Omit<Refund, 'paid_at'> {
  readonly idempotency_key: string;
}

/**
 * Enters the payment into the ledger. Returns undefined if its key is there already, or the order did not cost as much.
 * Rejects with SQLSTATE 23505 if the order was refunded under another key.
 */
export async function insertRefund(payment: Payment, signal: AbortSignal): Promise<Refund | undefined> {
  const sql = `
    INSERT INTO refunds (idempotency_key, order_id, cents, approved_by, run)
    SELECT $1, id, $3::integer, $4, $5 FROM orders WHERE id = $2 AND cents >= $3::integer
    ON CONFLICT (idempotency_key) DO NOTHING
    RETURNING order_id, cents, approved_by, run, paid_at`;
  const { idempotency_key, order_id, cents, approved_by, run } = payment;
  return (await write<Refund>(sql, [idempotency_key, order_id, cents, approved_by, run], signal))[0];
}

export async function refundWithKey(idempotencyKey: string, signal: AbortSignal): Promise<Refund | undefined> {
  const sql = 'SELECT order_id, cents, approved_by, run, paid_at FROM refunds WHERE idempotency_key = $1';
  return (await query<Refund>(sql, [idempotencyKey], signal))[0];
}

export interface Rejection {
  order_id: string;
  reason: string;
}

/** Like `insertRefund`. Returns undefined if the key is there already, or there is no such order without a refund. */
export async function insertRejection(
  { idempotency_key, order_id, reason, run }: Rejection & { readonly idempotency_key: string; readonly run: string },
  signal: AbortSignal,
): Promise<Rejection | undefined> {
  const sql = `
    INSERT INTO rejections (idempotency_key, order_id, reason, run)
    SELECT $1, id, $3, $4 FROM orders
    WHERE id = $2 AND NOT EXISTS (SELECT 1 FROM refunds WHERE refunds.order_id = orders.id)
    ON CONFLICT (idempotency_key) DO NOTHING
    RETURNING order_id, reason`;
  return (await write<Rejection>(sql, [idempotency_key, order_id, reason, run], signal))[0];
}

export async function rejectionWithKey(idempotencyKey: string, signal: AbortSignal): Promise<Rejection | undefined> {
  const sql = 'SELECT order_id, reason FROM rejections WHERE idempotency_key = $1';
  return (await query<Rejection>(sql, [idempotencyKey], signal))[0];
}
