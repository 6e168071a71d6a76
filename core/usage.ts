// Counting what is spent.
import type { Lost, ModelAnswer, Spend, Usage } from './types.ts';

export const NO_USAGE: Usage = { inputTokens: 0, outputTokens: 0, cachedTokens: 0 };

export function addUsage(a: Usage, b: Usage): Usage {
  return {
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    cachedTokens: a.cachedTokens + b.cachedTokens,
  };
}

export const NO_SPEND: Spend = { ...NO_USAGE, cost: 0, modelCalls: 0, toolCalls: 0, activeMs: 0 };

export function addSpend(a: Spend, b: Partial<Spend>): Spend {
  const sum: { -readonly [K in keyof Spend]: Spend[K] } = { ...a };
  for (const key of Object.keys(a) as (keyof Spend)[]) sum[key] = a[key] + (b[key] ?? 0);
  return sum;
}

/** What an answer cost. A guardrail that answers in the model's place is no call of it. */
export function spendOfAnswer({ model, usage, cost, lost }: Pick<ModelAnswer, 'model' | 'usage' | 'cost' | 'lost'>) {
  const spend = spendOf(usage, cost, lost);
  return model === '' ? { ...spend, modelCalls: lost?.attempts ?? 0 } : spend;
}

/** What one answer of the model cost, with its lost attempts. */
export function spendOf(usage: Usage, cost = 0, lost?: Lost): Partial<Spend> {
  const { attempts = 0, usage: lostUsage = NO_USAGE, cost: lostCost = 0 } = lost ?? {};
  return { ...addUsage(usage, lostUsage), cost: cost + lostCost, modelCalls: 1 + attempts };
}

/** Whether something that was sent can be counted. */
export function isSpend(given: unknown): given is Spend {
  const spend = (given ?? {}) as Partial<Record<keyof Spend, unknown>>;
  return (Object.keys(NO_SPEND) as (keyof Spend)[]).every((key) => Number.isFinite(spend[key]));
}
