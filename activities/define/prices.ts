// The cost of model calls, from the user's prices. None are built in: they change, and differ by contract.
import { ApplicationFailure } from '@temporalio/common';
import { FAILURE } from '../../core/names.ts';
import type { Usage } from '../../core/types.ts';

/** Prices per million tokens, in a currency of your choice. */
export interface Price {
  readonly input: number;
  readonly output: number;
  /** Of input tokens that the provider had cached. @default `input` */
  readonly cached?: number;
}

/** By model: the name in the provider's answer, or the requested one. `*` is for any other. */
export type Prices = Readonly<Record<string, Price>>;

const MILLION = 1_000_000;

export function costOf(usage: Usage, price: Price | undefined): number {
  if (!price) return 0;
  const { inputTokens, outputTokens, cachedTokens } = usage;
  const { input, output, cached = input } = price;
  return ((inputTokens - cachedTokens) * input + cachedTokens * cached + outputTokens * output) / MILLION;
}

/** The price of the first of these names that has one. */
export function priceOf(prices: Prices, ...names: readonly string[]): Price | undefined {
  const name = [...names, '*'].find((known) => Object.hasOwn(prices, known));
  return name === undefined ? undefined : prices[name];
}

/** A cost limit without a price could not be enforced. */
export function noPrice(agent: string, model: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(
    `The run's cost is limited, but agent ${agent} has no price for the model ${model}. Add it to the agent's prices.`,
    FAILURE.model,
  );
}
