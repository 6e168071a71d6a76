// What the attempts at one model call have come to: what they cost, the lost ones among them, and how many have failed. Each
// leaves what it knew in its heartbeat, for the next to add up. The SDK sends the last heartbeat of an attempt that fails
// before the failure, throttled or not. Temporal's own count has the attempts that were lost with their workers, too.
import { Context } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure, ensureApplicationFailure } from '@temporalio/common';
import { MODEL_CALL } from '../../core/limits.ts';
import { FAILURE } from '../../core/names.ts';
import type { Lost } from '../../core/types.ts';
import { addUsage, NO_USAGE } from '../../core/usage.ts';
import { costOf, noPrice, type Price, priceOf } from '../define/prices.ts';
import type { Agent } from '../define/types.ts';
import type { AnswerBuilder, RawAnswer } from './answer.ts';
import type { StreamDetails } from './streamDetails.ts';

/** What heartbeats carry besides the answer so far: all that would be lost if this attempt were. */
interface Heartbeat extends StreamDetails {
  readonly lost: Lost;
  /** Attempts that failed by themselves. */
  readonly failures: number;
}

export interface AttemptCounter {
  /** Whose tokens are counted, at its prices. */
  asks(agent: Agent, model: string): void;
  /** Throws where the cost is limited and no price is known. */
  needsPrice(): void;
  /** The answer of this attempt, as far as it has come. */
  sees(answer: Pick<AnswerBuilder, 'usage'>): void;
  heartbeat(): Heartbeat;
  ofAnswer(answer: RawAnswer | undefined): { readonly cost?: number; readonly lost?: Lost };
  /** Whether there is no other attempt after one that failed so. */
  isLast(failure: ApplicationFailure): boolean;
  /** The failure, with what is known of all attempts; and a last heartbeat, for the next one. */
  lostWith(thrown: unknown): unknown;
}

export function countAttempts(): AttemptCounter {
  const context = Context.current();
  const { attempt, heartbeatDetails } = context.info;
  const { lost: before, failures } = leftIn(heartbeatDetails);
  let asked: { readonly agent: Agent; readonly model: string; readonly price: Price | undefined } | undefined;
  let seen: Pick<AnswerBuilder, 'usage'> | undefined;
  let unasked: unknown;

  /** What is known of this attempt and those before it, as one that is lost. */
  function known(): Lost {
    const usage = seen?.usage() ?? NO_USAGE;
    if (usage === NO_USAGE) return { ...before, attempts: attempt - 1 };
    return {
      attempts: attempt - 1,
      usage: addUsage(before.usage, usage),
      cost: before.cost + costOf(usage, asked?.price),
    };
  }

  const heartbeat = (): Heartbeat => ({ attempt, offset: 0, text: '', calls: [], lost: known(), failures });
  // A worker that was told to stop in the middle says nothing of the call.
  const counts = ({ type }: ApplicationFailure) => type !== FAILURE.workerShutdown;
  const isLast = (failure: ApplicationFailure) =>
    failure.nonRetryable === true ||
    (counts(failure) && (failures + 1 >= MODEL_CALL.attempts || attempt >= MODEL_CALL.attemptsMax));

  return {
    asks(agent, model) {
      asked = { agent, model, price: priceOf(agent.prices, model) };
    },
    needsPrice() {
      if (!asked || asked.price) return;
      unasked = noPrice(asked.agent.name, asked.model);
      throw unasked;
    },
    sees(answer) {
      seen = answer;
    },
    heartbeat,
    ofAnswer(answer) {
      const cost = answer && asked ? costOf(answer.usage, priceOf(asked.agent.prices, answer.model, asked.model)) : 0;
      const lost: Lost = { ...before, attempts: attempt - 1 };
      return { ...(cost > 0 && { cost }), ...(attempt > 1 && { lost }) };
    },
    isLast,
    lostWith(thrown) {
      const lost = known();
      if (thrown instanceof CancelledFailure) return new CancelledFailure(thrown.message, [lost]);
      if (thrown === unasked) return thrown;
      const said = ensureApplicationFailure(thrown);
      const nonRetryable = isLast(said);
      if (!nonRetryable) context.heartbeat({ ...heartbeat(), failures: failures + (counts(said) ? 1 : 0) });
      const { message, type, nextRetryDelay, stack } = said;
      const failure = ApplicationFailure.create({
        message,
        type: type ?? null,
        nonRetryable,
        ...(nextRetryDelay && { nextRetryDelay }),
        // For an agent that no worker knew, nobody has asked anything.
        ...((asked || lost.usage.inputTokens > 0) && { details: [lost] }),
      });
      if (stack !== undefined) failure.stack = stack;
      return failure;
    },
  };
}

/** What the attempts before have left: our own heartbeat, or nothing. */
function leftIn(details: unknown): Pick<Heartbeat, 'lost' | 'failures'> {
  const { lost = { attempts: 0, usage: NO_USAGE, cost: 0 }, failures = 0 } = (details ?? {}) as Partial<Heartbeat>;
  return { lost, failures };
}
