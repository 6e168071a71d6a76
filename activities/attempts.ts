// What the attempts at one model call have cost, the lost ones among them: each leaves what it knew in its heartbeat, for the
// next to add up. The SDK sends the last heartbeat of an attempt that fails before the failure, throttled or not.
import { Context } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { Lost } from '../core/types.ts';
import { addUsage, NO_USAGE } from '../core/usage.ts';
import type { Agent } from './defineAgent.ts';
import type { AnswerBuilder, RawAnswer } from './model/answer.ts';
import { costOf, noPrice, priceOf } from './prices.ts';
import type { StreamDetails } from './streamDetails.ts';

/** What heartbeats carry besides the answer so far: all that would be lost if this attempt were. */
interface Heartbeat extends StreamDetails {
  readonly lost: Lost;
}

export interface AttemptCounter {
  /** Throws where the cost is limited and no price is known. */
  needsPrice(): void;
  /** The answer of this attempt, as far as it has come. */
  sees(answer: Pick<AnswerBuilder, 'usage'>): void;
  heartbeat(): Heartbeat;
  ofAnswer(answer: RawAnswer | undefined): { readonly cost?: number; readonly lost?: Lost };
  /** The failure, with what is known of all attempts; and a last heartbeat, for the next one. */
  lostWith(thrown: unknown): unknown;
}

export function countAttempts(agent: Agent, model: string): AttemptCounter {
  const context = Context.current();
  const { attempt, heartbeatDetails } = context.info;
  const before = lostIn(heartbeatDetails);
  const price = priceOf(agent.prices, model);
  let seen: Pick<AnswerBuilder, 'usage'> | undefined;
  let unasked: unknown;

  /** What is known of this attempt and those before it, as one that is lost. */
  function known(): Lost {
    const usage = seen?.usage() ?? NO_USAGE;
    if (usage === NO_USAGE) return { ...before, attempts: attempt - 1 };
    return { attempts: attempt - 1, usage: addUsage(before.usage, usage), cost: before.cost + costOf(usage, price) };
  }

  const heartbeat = (): Heartbeat => ({ attempt, offset: 0, text: '', calls: [], lost: known() });

  return {
    needsPrice() {
      if (price) return;
      unasked = noPrice(agent.name, model);
      throw unasked;
    },
    sees(answer) {
      seen = answer;
    },
    heartbeat,
    ofAnswer(answer) {
      const cost = answer ? costOf(answer.usage, priceOf(agent.prices, answer.model, model)) : 0;
      const lost: Lost = { ...before, attempts: attempt - 1 };
      return { ...(cost > 0 && { cost }), ...(attempt > 1 && { lost }) };
    },
    lostWith(thrown) {
      const lost = known();
      if (thrown instanceof CancelledFailure) return new CancelledFailure(thrown.message, [lost]);
      if (!(thrown instanceof ApplicationFailure) || thrown === unasked) return thrown;
      if (!thrown.nonRetryable && lost.usage !== before.usage) context.heartbeat(heartbeat());
      const { message, type, nonRetryable, nextRetryDelay, stack } = thrown;
      const failure = ApplicationFailure.create({
        message,
        type: type ?? null,
        nonRetryable: nonRetryable ?? false,
        ...(nextRetryDelay && { nextRetryDelay }),
        details: [lost],
      });
      if (stack !== undefined) failure.stack = stack;
      return failure;
    },
  };
}

/** What the attempts before have left: our own heartbeat, or nothing. */
function lostIn(details: unknown): Lost {
  const { lost } = (details ?? {}) as Partial<Heartbeat>;
  return lost ?? { attempts: 0, usage: NO_USAGE, cost: 0 };
}
