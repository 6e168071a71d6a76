// The facts of a run that every report names, in words.
import { costsOf } from '../read/costs.ts';
import { countsOf, type Run } from '../read/run.ts';
import { costText } from '../reasons/english.ts';
import { count, plural, seconds } from '../text.ts';
import type { Spend } from '../types.ts';

/** Returns the facts as pairs of a name and a value, in the order in which they are shown. */
export function runFacts(run: Run, nowMs: number): readonly (readonly [string, string])[] {
  const { turns, calls, failedCalls } = countsOf(run);
  const { status, startedAtMs, endedAtMs, usage, spend } = run;
  const took = seconds((endedAtMs ?? nowMs) - startedAtMs);
  return [
    ['Status', `${status.replaceAll('_', ' ')}, ${endedAtMs === null ? 'since' : 'in'} ${took}`],
    ['Started', new Date(startedAtMs).toISOString()],
    ['Turns', count(turns)],
    ['Tool calls', failedCalls > 0 ? `${count(calls)} (${count(failedCalls)} failed)` : count(calls)],
    [
      'Tokens',
      `${count(usage.inputTokens)} in (${count(usage.cachedTokens)} cached), ${count(usage.outputTokens)} out`,
    ],
    ...(spend.cost > 0 ? ([['Cost', costText(spend.cost)]] as const) : []),
    ['Model calls', count(spend.modelCalls)],
  ];
}

export interface CostRow {
  readonly what: string;
  readonly name: string;
  readonly spend: Spend;
}

/** Returns what the run has cost: by model, compactions, sub-agents, and beside them what was lost; then by turn. */
export function costRows(run: Run): CostRow[] {
  const { byTurn, byModel, compactions, bySubAgent, lost } = costsOf(run);
  return [
    ...byModel.map(({ model, spend }) => ({ what: 'model', name: model || '(no answer)', spend })),
    ...(compactions.modelCalls > 0 ? [{ what: 'compactions', name: '', spend: compactions }] : []),
    ...bySubAgent.map(({ call, tool, spend }) => ({ what: `sub-agent ${call}`, name: tool, spend })),
    ...(lost.modelCalls > 0 ? [{ what: 'lost', name: plural(lost.modelCalls, 'attempt'), spend: lost }] : []),
    ...byTurn.map(({ turn, spend }) => ({ what: `turn ${turn}`, name: '', spend })),
  ];
}

/** An empty cost is not known: the agent has no prices. */
export function costWords({ cost }: Spend): string {
  return cost > 0 ? costText(cost) : '';
}
