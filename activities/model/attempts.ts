// Counts the attempts at one model call: what they cost, including lost ones, and how many failed. Each attempt leaves its
// totals in its heartbeat for the next one. The SDK flushes the last heartbeat before it reports a failure, even if throttled.
// Temporal's own count includes attempts that were lost with their workers.
import { Context } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure, ensureApplicationFailure } from '@temporalio/common';
import { msToNumber } from '@temporalio/common/lib/time.js';
import { MODEL_CALL } from '../../core/limits.ts';
import { FAILURE } from '../../core/names.ts';
import type { Lost } from '../../core/types.ts';
import { addUsage, NO_USAGE } from '../../core/usage.ts';
import { costOf, noPrice, type Price, priceOf } from '../define/prices.ts';
import type { Agent } from '../define/types.ts';
import type { AnswerBuilder, RawAnswer } from './answer.ts';
import type { StreamDetails } from './streamDetails.ts';

/** Heartbeat details: the answer so far, and the totals that would otherwise be lost with this attempt. */
interface Heartbeat extends StreamDetails {
  readonly lost: Lost;
  /** Attempts that failed, without those that were lost with their workers. */
  readonly failures: number;
}

export interface AttemptCounter {
  /** Sets the agent and model whose prices apply. */
  start(agent: Agent, model: string): void;
  /** Throws if the model has no price. */
  requirePrice(): void;
  /** Sets the partial answer, whose usage counts as lost if the attempt fails. */
  observe(answer: Pick<AnswerBuilder, 'usage'>): void;
  heartbeat(): Heartbeat;
  costOfAnswer(answer: RawAnswer | undefined): { readonly cost?: number; readonly lost?: Lost };
  /** Whether no attempt follows one that ends with this failure. */
  isLast(failure: ApplicationFailure): boolean;
  /** The failure to throw, with the totals of all attempts; sends a last heartbeat for the next attempt. */
  failed(thrown: unknown): unknown;
}

/** `outageMs`: how long the run waits by default while the model is unavailable. `waited`: it has, so it waits again at once. */
export function countAttempts(outageMs = 0, waited = false): AttemptCounter {
  const context = Context.current();
  const { attempt, heartbeatDetails } = context.info;
  const { lost: before, failures } = previousTotals(heartbeatDetails);
  let request: { readonly agent: Agent; readonly model: string; readonly price: Price | undefined } | undefined;
  let partial: Pick<AnswerBuilder, 'usage'> | undefined;
  let priceError: unknown;

  /** Totals of the earlier attempts and this one, as if this one were lost. */
  function lostSoFar(): Lost {
    const usage = partial?.usage() ?? NO_USAGE;
    if (usage === NO_USAGE) return { ...before, attempts: attempt - 1 };
    return {
      attempts: attempt - 1,
      usage: addUsage(before.usage, usage),
      cost: before.cost + costOf(usage, request?.price),
    };
  }

  const heartbeat = (): Heartbeat => ({ attempt, offset: 0, text: '', calls: [], lost: lostSoFar(), failures });
  const isOutage = ({ type }: ApplicationFailure) => type === FAILURE.modelUnavailable;
  // The shutdown of a worker says nothing about the call.
  const counts = ({ type }: ApplicationFailure) => type !== FAILURE.workerShutdown;
  const isLast = (failure: ApplicationFailure) =>
    failure.nonRetryable === true ||
    (waited && isOutage(failure)) ||
    (counts(failure) && (failures + 1 >= MODEL_CALL.attempts || attempt >= MODEL_CALL.attemptsMax));

  return {
    start(agent, model) {
      request = { agent, model, price: priceOf(agent.prices, model) };
    },
    requirePrice() {
      if (!request || request.price) return;
      priceError = noPrice(request.agent.name, request.model);
      throw priceError;
    },
    observe(answer) {
      partial = answer;
    },
    heartbeat,
    costOfAnswer(answer) {
      const cost =
        answer && request ? costOf(answer.usage, priceOf(request.agent.prices, answer.model, request.model)) : 0;
      const lost: Lost = { ...before, attempts: attempt - 1 };
      return { ...(cost > 0 && { cost }), ...(attempt > 1 && { lost }) };
    },
    isLast,
    failed(thrown) {
      const lost = lostSoFar();
      if (thrown instanceof CancelledFailure) return new CancelledFailure(thrown.message, [lost]);
      if (thrown === priceError) return thrown;
      const original = ensureApplicationFailure(thrown);
      const nonRetryable = isLast(original);
      if (!nonRetryable) context.heartbeat({ ...heartbeat(), failures: failures + (counts(original) ? 1 : 0) });
      const { message, type, nextRetryDelay, stack, details } = original;
      const outage = isOutage(original) && {
        limitMs: request?.agent.modelOutageMs ?? outageMs,
        ...(nextRetryDelay && { retryAfterMs: msToNumber(nextRetryDelay) }),
      };
      const failure = ApplicationFailure.create({
        message,
        type: type ?? null,
        nonRetryable,
        ...(nextRetryDelay && { nextRetryDelay }),
        // If no worker had the agent, no model was called. After the totals comes the reason, if the failure has one.
        ...((request || lost.usage.inputTokens > 0) && { details: [{ ...lost, ...outage }, ...(details ?? [])] }),
      });
      if (stack !== undefined) failure.stack = stack;
      return failure;
    },
  };
}

/** The totals in the last heartbeat of the attempt before; zero if there is none. */
function previousTotals(details: unknown): Pick<Heartbeat, 'lost' | 'failures'> {
  const { lost = { attempts: 0, usage: NO_USAGE, cost: 0 }, failures = 0 } = (details ?? {}) as Partial<Heartbeat>;
  return { lost, failures };
}
