// Applies the refund policy to an order. In code, since a model should do no arithmetic with money.
import type { Order, Policy } from './database/queries.ts';
import { money } from './orderId.ts';

/** `leave`: the agent should neither pay nor reject; a person has to look at it. */
export type Proposal =
  | { readonly decision: 'refund'; readonly cents: number; readonly why: string }
  | { readonly decision: 'reject'; readonly why: string }
  | { readonly decision: 'leave'; readonly why: string };

const DAY_MS = 86_400_000;

export function propose(order: Order, policy: Policy | undefined): Proposal {
  const { category, cents, state, delivered_on, requested_on, refunded_cents, rejected_because } = order;
  if (refunded_cents !== null) return leave(`it has been refunded already: ${money(refunded_cents)}`);
  if (rejected_because !== null) return leave(`it has been rejected already: ${rejected_because}`);
  if (requested_on === null) return leave('nobody asks for a refund');
  if (!policy) return leave(`there is no policy for ${category}`);
  if (delivered_on === null) return reject('it has not been delivered yet');
  const days = (Date.parse(requested_on) - Date.parse(delivered_on)) / DAY_MS;
  // The last day is included.
  if (days > policy.window_days)
    return reject(
      `it was asked for ${days} days after delivery, and ${category} may be returned for ${policy.window_days}`,
    );
  if (policy.needs_return && state !== 'returned') return reject('the goods have not come back');
  // Rounded down: never more than the policy gives.
  const refund = Math.floor((cents * policy.percent) / 100);
  if (refund === 0) return reject(`the policy for ${category} gives nothing for it`);
  return { decision: 'refund', cents: refund, why: `${policy.percent} percent of ${money(cents)}. ${policy.note}` };
}

function reject(why: string): Proposal {
  return { decision: 'reject', why };
}

function leave(why: string): Proposal {
  return { decision: 'leave', why };
}
