// The facts of a run that every report names, in words.
import { type Cost, costsOf, type RunCosts } from '../read/costs.ts';
import { countsOf, type Run } from '../read/run.ts';
import { costText } from '../reasons/english.ts';
import { count, plural, seconds } from '../text.ts';
import { outputText } from '../usage.ts';

/** Returns the facts as pairs of a name and a value, in the order in which they are shown. */
export function runFacts(run: Run, nowMs: number): readonly (readonly [string, string])[] {
  const { turns, calls, failedCalls } = countsOf(run);
  const { status, startedAtMs, endedAtMs, usage, spend } = run;
  const took = seconds((endedAtMs ?? nowMs) - startedAtMs);
  return [
    ['Status', `${status.replaceAll('_', ' ')}, ${endedAtMs === null ? 'for' : 'in'} ${took}`],
    ['Started', new Date(startedAtMs).toISOString()],
    ['Turns', count(turns)],
    ['Tool calls', failedCalls > 0 ? `${count(calls)} (${count(failedCalls)} failed)` : count(calls)],
    ['Tokens', `${count(usage.inputTokens)} in (${count(usage.cachedTokens)} cached), ${outputText(usage)}`],
    ...(spend.cost > 0 ? ([['Cost', costText(spend.cost)]] as const) : []),
    ['Model calls', count(spend.modelCalls)],
  ];
}

export interface CostRow {
  readonly what: string;
  readonly name: string;
  readonly cost: Cost;
}

/** Returns what the run has cost: by model, compactions, sub-agents, and beside them what was lost; then by turn. */
export function costRows(run: Run): CostRow[] {
  const costs = costsOf(run);
  return [...sumsOf(costs), ...costs.byTurn.map(({ turn, cost }) => ({ what: `turn ${turn}`, name: '', cost }))];
}

/** The same without the turns. */
export function costSums(run: Run): CostRow[] {
  return sumsOf(costsOf(run));
}

function sumsOf({ byModel, compactions, bySubAgent, lost }: RunCosts): CostRow[] {
  return [
    ...byModel.map(({ model, cost }) => ({ what: 'model', name: model || '(no answer)', cost })),
    ...(compactions.modelCalls > 0 ? [{ what: 'compactions', name: '', cost: compactions }] : []),
    ...bySubAgent.map(({ call, tool, cost }) => ({ what: `sub-agent ${call}`, name: tool, cost })),
    ...(lost.modelCalls > 0 ? [{ what: 'lost', name: plural(lost.modelCalls, 'attempt'), cost: lost }] : []),
  ];
}

/** An empty cost is not known: the agent has no prices. */
export function costWords({ cost }: Cost): string {
  return cost > 0 ? costText(cost) : '';
}
