// What model calls cost, by prices that the user gives. None are built in: they change, and differ by contract.
import { ApplicationFailure } from '@temporalio/common';
import { FAILURE } from '../../core/names.ts';
import type { Usage } from '../../core/types.ts';

/** Prices of a million tokens, in a currency of your choice. */
export interface Price {
  readonly input: number;
  readonly output: number;
  /** Of input tokens that the provider had cached; as `input` when not said. */
  readonly cached?: number;
}

/** By model: by the name that the provider answers with, or the one that was asked for. `*` is for any other. */
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

/** A limited cost that nobody can count would be no limit. */
export function noPrice(agent: string, model: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(
    `The run's cost is limited, and agent ${agent} names no price for the model ${model}. Add it to the agent's prices.`,
    FAILURE.model,
  );
}
