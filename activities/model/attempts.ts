// Counts the attempts at one model call: what they cost, including lost ones, and how many failed. Each attempt leaves its
// totals in its heartbeat for the next one. The SDK flushes the last heartbeat before it reports a failure, even if throttled.
// Temporal's own count includes attempts that were lost with their workers.
import { Context } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure, ensureApplicationFailure } from '@temporalio/common';
import { msToNumber } from '@temporalio/common/lib/time.js';
import { MODEL_CALL, MODELS_MAX, PASSED_OVER_CHARS_MAX, STORE_OUTAGE_MS } from '../../core/limits.ts';
import { FAILURE } from '../../core/names.ts';
import { cutText, oneLine } from '../../core/text.ts';
import type { Lost, ModelAnswer, PassedOver } from '../../core/types.ts';
import { addUsage, NO_USAGE } from '../../core/usage.ts';
import { costOf, noPrice, type Price, priceOf } from '../define/prices.ts';
import type { Agent } from '../define/types.ts';
import type { AnswerBuilder, RawAnswer } from './answer.ts';
import type { ModelEndpoint } from './endpoint.ts';
import type { StreamDetails } from './streamDetails.ts';

/** Heartbeat details: the answer so far, and the totals that would otherwise be lost with this attempt. */
interface Heartbeat extends StreamDetails {
  readonly lost: Lost;
  /** Attempts that failed, without those that were lost with their workers. */
  readonly failures: number;
  /** How the agent's models have failed, if it has several: one for each attempt. */
  readonly tried?: readonly Tried[];
}

interface Tried extends PassedOver {
  /** Of the model in the agent's list. */
  readonly position: number;
  /** Another attempt would fail in the same way. */
  readonly isFinal: boolean;
}

export interface AttemptCounter {
  /** Returns the endpoint that this attempt asks: the one after that of the attempt before, of those that have not failed for good. */
  start(agent: Agent, endpoints: readonly [ModelEndpoint, ...ModelEndpoint[]]): ModelEndpoint;
  /** Throws if the model has no price, or if `below` says that one of another agent has none. */
  requirePrice(below: ApplicationFailure | null): void;
  /** Sets the partial answer, whose usage counts as lost if the attempt fails. */
  observe(answer: Pick<AnswerBuilder, 'usage'>): void;
  heartbeat(): Heartbeat;
  costOfAnswer(answer: RawAnswer | undefined): Pick<ModelAnswer, 'cost' | 'lost' | 'passedOver'>;
  /** Whether no attempt follows one that ends with this failure. */
  isLast(failure: ApplicationFailure): boolean;
  /** The failure to throw, with the totals of all attempts; sends a last heartbeat for the next attempt. */
  failed(thrown: unknown): unknown;
}

/** `outageMs`: how long the run waits by default while the model is unavailable. `waited`: it has, so it waits again at once. */
export function countAttempts(outageMs = 0, waited = false): AttemptCounter {
  const context = Context.current();
  const { attempt, heartbeatDetails } = context.info;
  const { lost: before, failures, tried = [] } = previousTotals(heartbeatDetails);
  let request: Request | undefined;
  let partial: Pick<AnswerBuilder, 'usage'> | undefined;
  let priceError: ApplicationFailure | null = null;

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

  const heartbeat = (): Heartbeat => ({
    attempt,
    offset: 0,
    text: '',
    calls: [],
    lost: lostSoFar(),
    failures,
    ...(tried.length > 0 && { tried }),
  });
  const isOutage = ({ type }: ApplicationFailure) => type === FAILURE.modelUnavailable;
  // The shutdown of a worker says nothing about the call.
  const counts = ({ type }: ApplicationFailure) => type !== FAILURE.workerShutdown;
  /** Where the next attempt continues; null if each model has failed for good, or this failure is no model's. */
  const nextAfter = (failure: ApplicationFailure) => {
    if (!request || request.endpoints.length === 1 || !isModels(failure, request.agent)) return null;
    return nextPosition(request.endpoints.length, triedWith(failure));
  };
  const triedWith = (failure: ApplicationFailure): readonly Tried[] => {
    const { position, model } = request!;
    const error = cutText(oneLine(failure.message, PASSED_OVER_CHARS_MAX), PASSED_OVER_CHARS_MAX);
    return [...tried, { position, model, error, isFinal: failure.nonRetryable === true }].slice(-TRIED_MAX);
  };
  const isLast = (failure: ApplicationFailure) => {
    const next = nextAfter(failure);
    return (
      (failure.nonRetryable === true && next === null) ||
      // It has waited, so it asks each model once more, and waits again.
      (waited && isOutage(failure) && (next === null || next <= request!.position)) ||
      (counts(failure) && (failures + 1 >= MODEL_CALL.attempts || attempt >= MODEL_CALL.attemptsMax))
    );
  };

  return {
    start(agent, endpoints) {
      const position = nextPosition(endpoints.length, tried) ?? 0;
      const endpoint = endpoints[position]!;
      const model = endpoint.modelFor(agent);
      request = { agent, endpoints, position, model, price: priceOf(agent.prices, model) };
      return endpoint;
    },
    requirePrice(below) {
      if (!request) return;
      priceError = request.price ? below : noPrice(request.agent.name, request.model);
      if (priceError) throw priceError;
    },
    observe(answer) {
      partial = answer;
    },
    heartbeat,
    costOfAnswer(answer) {
      const cost =
        answer && request ? costOf(answer.usage, priceOf(request.agent.prices, answer.model, request.model)) : 0;
      const lost: Lost = { ...before, attempts: attempt - 1 };
      const passedOver = passedOverIn(tried);
      return { ...(cost > 0 && { cost }), ...(attempt > 1 && { lost }), ...(passedOver.length > 0 && { passedOver }) };
    },
    isLast,
    failed(thrown) {
      const lost = lostSoFar();
      if (thrown instanceof CancelledFailure) return new CancelledFailure(thrown.message, [lost]);
      if (priceError && thrown === priceError) return thrown;
      const original = ensureApplicationFailure(thrown);
      const nonRetryable = isLast(original);
      const next = nextAfter(original);
      const failed = next === null ? {} : { tried: triedWith(original) };
      if (!nonRetryable)
        context.heartbeat({ ...heartbeat(), ...failed, failures: failures + (counts(original) ? 1 : 0) });
      const { type, stack, details } = original;
      const message = [
        original.message,
        ...passedOverIn(tried).map(({ model, error }) => `Before that, ${model}: ${error}`),
      ].join(' ');
      // Another model is asked at once.
      const isOther = next !== null && next > request!.position;
      const nextRetryDelay = isOther ? '1 ms' : original.nextRetryDelay;
      const isStoreAway = type === FAILURE.storeUnavailable;
      const outage = (isOutage(original) || isStoreAway) && {
        limitMs: isStoreAway ? STORE_OUTAGE_MS : (request?.agent.modelOutageMs ?? outageMs),
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

interface Request {
  readonly agent: Agent;
  readonly endpoints: readonly ModelEndpoint[];
  readonly position: number;
  readonly model: string;
  readonly price: Price | undefined;
}

/** What the next attempt has to know is less than this many attempts ago. */
const TRIED_MAX = 2 * MODELS_MAX;

/** Whether another model may do better. A conversation that is too long is compacted instead, if the agent does so. */
function isModels({ type }: ApplicationFailure, { compaction }: Agent): boolean {
  if (type === FAILURE.contextExceeded) return compaction === null;
  return type === FAILURE.model || type === FAILURE.modelUnavailable;
}

/** Returns the next model in turn that has not failed for good; null if all have. */
function nextPosition(count: number, tried: readonly Tried[]): number | null {
  const last = tried.at(-1)?.position ?? -1;
  const hasFailed = (position: number) => tried.some((one) => one.position === position && one.isFinal);
  for (let step = 1; step <= count; step++) {
    const position = (last + step) % count;
    if (!hasFailed(position)) return position;
  }
  return null;
}

/** Each model once, with its last error. */
function passedOverIn(tried: readonly Tried[]): PassedOver[] {
  return [...new Map(tried.map(({ model, error }) => [model, { model, error }])).values()];
}

/** The totals in the last heartbeat of the attempt before; zero if there is none. */
function previousTotals(details: unknown): Pick<Heartbeat, 'lost' | 'failures' | 'tried'> {
  const {
    lost = { attempts: 0, usage: NO_USAGE, cost: 0 },
    failures = 0,
    tried = [],
  } = (details ?? {}) as Partial<Heartbeat>;
  return { lost, failures, tried };
}
