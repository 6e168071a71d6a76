// What a run has cost, by turn, model and sub-agent, beside what lost attempts have cost.

import { callActivityId } from '../names.ts';
import type { Spend } from '../types.ts';
import { addSpend, NO_SPEND } from '../usage.ts';
import type { Run } from './run.ts';

/** What model calls have cost. */
export type Cost = Omit<Spend, 'toolCalls' | 'activeMs'>;

export interface RunCosts {
  /** `cost` of a turn without an answer is that of its lost attempts. */
  readonly byTurn: readonly { readonly turn: number; readonly model: string | null; readonly cost: Cost }[];
  /** By the model that answered; null for turns without an answer. Models that a turn asked before are in it. */
  readonly byModel: readonly { readonly model: string | null; readonly cost: Cost }[];
  readonly compactions: Cost;
  /** As they last reported, with their own sub-agents. */
  readonly bySubAgent: readonly {
    readonly call: string;
    readonly tool: string;
    readonly childId: string;
    readonly cost: Cost;
  }[];
  /** What attempts without an answer have cost; it is part of the turns above. */
  readonly lost: Cost;
}

/** Returns what the run has cost. A tool's own cost is not in history: only a sub-agent reports what it has spent. */
export function costsOf(run: Run): RunCosts {
  const byModel = new Map<string | null, Spend>();
  for (const { model, spend } of run.turns) byModel.set(model, addSpend(byModel.get(model) ?? NO_SPEND, spend));
  return {
    byTurn: run.turns.map(({ turn, model, spend }) => ({ turn, model, cost: costIn(spend) })),
    byModel: [...byModel].map(([model, spend]) => ({ model, cost: costIn(spend) })),
    compactions: costIn(run.compactions.reduce((sum, { spend }) => addSpend(sum, spend), NO_SPEND)),
    bySubAgent: run.turns
      .flatMap(({ calls }) => calls)
      .flatMap(({ turn, slot, tool, childId, spend }) =>
        childId !== null && spend ? [{ call: callActivityId(turn, slot), tool, childId, cost: costIn(spend) }] : [],
      ),
    lost: costIn(run.turns.reduce((sum, { lost }) => addSpend(sum, lost), NO_SPEND)),
  };
}

function costIn({ toolCalls: _, activeMs: __, ...cost }: Spend): Cost {
  return cost;
}
