// What the attempts at one model call have cost, the lost ones among them: each leaves what it knew in its heartbeat, for the
// next to add up.
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { Lost, Usage } from '../core/types.ts';
import { addUsage, NO_USAGE } from '../core/usage.ts';
import type { Agent } from './defineAgent.ts';
import type { AnswerBuilder, RawAnswer } from './model/answer.ts';
import { costOf, noPrice, priceOf } from './prices.ts';

export interface AttemptCounter {
  /** Throws where the cost is limited and no price is known. */
  needsPrice(): void;
  /** The answer of this attempt, as far as it has come. */
  sees(answer: AnswerBuilder): void;
  /** For the heartbeat: what would be lost if this attempt were. */
  soFar(): { readonly spent: Usage };
  ofAnswer(answer: RawAnswer | undefined): { readonly cost?: number; readonly lost?: Lost };
  /** The failure, with what is known of all attempts; and a last heartbeat, for the next one. */
  lostWith(thrown: unknown): unknown;
}

export function countAttempts(agent: Agent, model: string): AttemptCounter {
  const context = Context.current();
  const { attempt, heartbeatDetails } = context.info;
  const before = usageIn(heartbeatDetails);
  let seen: AnswerBuilder | undefined;
  const price = priceOf(agent.prices, model);
  const known = () => addUsage(before, seen?.usage() ?? NO_USAGE);

  return {
    needsPrice() {
      if (!price) throw noPrice(agent.name, model);
    },
    sees(answer) {
      seen = answer;
    },
    soFar: () => ({ spent: known() }),
    ofAnswer(answer) {
      const answered = priceOf(agent.prices, answer?.model ?? '', model);
      const cost = answer ? costOf(answer.usage, answered) : 0;
      const lost: Lost = { attempts: attempt - 1, usage: before, cost: costOf(before, price) };
      return { ...(cost > 0 && { cost }), ...(attempt > 1 && { lost }) };
    },
    lostWith(thrown) {
      if (!(thrown instanceof ApplicationFailure)) return thrown;
      const spent = known();
      context.heartbeat({ attempt, offset: 0, text: '', calls: [], spent });
      const lost: Lost = { attempts: attempt - 1, usage: spent, cost: costOf(spent, price) };
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
function usageIn(details: unknown): Usage {
  const { spent } = (details ?? {}) as { spent?: Usage };
  return spent ?? NO_USAGE;
}
