// Adds up usage and spend.
import type { FailureCause } from './batch/outcomes.ts';
import { count } from './text.ts';
import type { CompactAnswer, Lost, ModelAnswer, Spend, Usage } from './types.ts';

export const NO_USAGE: Usage = { inputTokens: 0, outputTokens: 0, cachedTokens: 0 };

export function addUsage(a: Usage, b: Usage): Usage {
  return {
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    cachedTokens: a.cachedTokens + b.cachedTokens,
    ...addedReasoning(a, b),
  };
}

/** Absent where no provider has counted any. */
function addedReasoning({ reasoningTokens: a }: Usage, { reasoningTokens: b }: Usage): Pick<Usage, 'reasoningTokens'> {
  return a === undefined && b === undefined ? {} : { reasoningTokens: (a ?? 0) + (b ?? 0) };
}

/** The tokens of an answer, for people: `144 out (64 reasoning)`. */
export function outputText({ outputTokens, reasoningTokens }: Usage): string {
  return `${count(outputTokens)} out${reasoningTokens === undefined ? '' : ` (${count(reasoningTokens)} reasoning)`}`;
}

export const NO_SPEND: Spend = { ...NO_USAGE, cost: 0, modelCalls: 0, toolCalls: 0, activeMs: 0 };

export function addSpend(a: Spend, b: Partial<Spend>): Spend {
  const sum: { -readonly [K in keyof Spend]: Spend[K] } = { ...a };
  for (const key of Object.keys(a) as (keyof Spend)[]) sum[key] = a[key] + (b[key] ?? 0);
  return sum;
}

/** The spend of an answer. If a guardrail answered in the model's place, only lost attempts count as model calls. */
export function spendOfAnswer({ model, usage, cost, lost }: Pick<ModelAnswer, 'model' | 'usage' | 'cost' | 'lost'>) {
  const spend = spendOf(usage, cost, lost);
  return model === '' ? { ...spend, modelCalls: lost?.attempts ?? 0 } : spend;
}

/** The spend of one answer of the model, including its lost attempts. */
export function spendOf(usage: Usage, cost = 0, lost?: Lost): Partial<Spend> {
  const { attempts = 0, usage: lostUsage = NO_USAGE, cost: lostCost = 0 } = lost ?? {};
  return { ...addUsage(usage, lostUsage), cost: cost + lostCost, modelCalls: 1 + attempts };
}

/** The spend of attempts that were lost. */
export function spendLost({ attempts, usage, cost }: Lost = NOTHING_LOST): Partial<Spend> {
  return { ...usage, cost, modelCalls: attempts };
}

/** The spend of a compaction, which may have made no model call. */
export function spendOfCompaction({ usage, cost, lost, modelCalls }: CompactAnswer): Partial<Spend> {
  return { ...spendOf(usage, cost, lost), modelCalls: modelCalls + (lost?.attempts ?? 0) };
}

/** The known spend of a model call that failed for good. The activity records it in its failure or its heartbeat. */
export function lostIn({ details, ...cause }: FailureCause): Partial<Spend> {
  switch (cause.source) {
    case 'cancelled':
      // The model was called, and the provider may charge for it.
      return spendOf(NO_USAGE, 0, isLost(details) ? details : NOTHING_LOST);
    case 'timeout': {
      if (cause.timeout === 'SCHEDULE_TO_START') return {};
      // From the last heartbeat: the failure itself does not have the attempts.
      const { lost } = (details ?? {}) as { lost?: unknown };
      return spendOf(NO_USAGE, 0, isLost(lost) ? lost : NOTHING_LOST);
    }
    case 'application':
      return isLost(details) ? spendOf(NO_USAGE, 0, details) : {};
    case 'other':
      return {};
  }
}

const NOTHING_LOST: Lost = { attempts: 0, usage: NO_USAGE, cost: 0 };

function isLost(given: unknown): given is Lost {
  const { attempts, usage, cost } = (given ?? {}) as Partial<Record<keyof Lost, unknown>>;
  return typeof attempts === 'number' && typeof cost === 'number' && typeof usage === 'object' && usage !== null;
}

/** Whether a value from outside is a complete spend. */
export function isSpend(given: unknown): given is Spend {
  const spend = (given ?? {}) as Partial<Record<keyof Spend, unknown>>;
  return (Object.keys(NO_SPEND) as (keyof Spend)[]).every((key) => Number.isFinite(spend[key]));
}
