// What becomes of calls that never start: history has no event for them, so that the read model goes through a batch as
// `workflows/batch.ts` does, and comes to the same.
import { beyondBudget, limitInWords, limitOf, limitReached } from './budget.ts';
import { handedOff, refused } from './toolFailure.ts';
import type { Budget, Outcome, PlannedCall, Spend, StandingDecision } from './types.ts';

export interface BatchCall {
  readonly slot: number;
  readonly tool: string;
  readonly planned: PlannedCall | undefined;
  /** null while it is open. */
  readonly outcome: Outcome | undefined;
  readonly asks: object | null;
  readonly decision: StandingDecision | null;
  readonly scheduledAtMs: number | null;
  /** It is a sub-agent that waits for a person. */
  readonly isWaiting: boolean;
}

export interface BatchRules {
  readonly parallel: number;
  readonly budget: Budget | null;
  /** Without the calls of the batch itself. */
  readonly spend: Spend;
  /** Why no further sub-agent may start; null where one may. */
  readonly whyNoSubAgent: string | null;
}

/** Whether it counts as a tool call: one that a person answered does not, and passing on runs nothing. */
export function hasRun({ outcome, planned, decision }: Pick<BatchCall, 'outcome' | 'planned' | 'decision'>): boolean {
  if (!outcome?.ok) return outcome?.ran === true;
  return handoffOf(planned) === undefined && decision?.verdict !== 'respond';
}

/** What the calls have come to that a run has settled by itself, now that it has started all that it may. */
export function settledByItself(calls: readonly BatchCall[], rules: BatchRules): Map<number, Outcome> {
  const settled = new Map<number, Outcome>();
  const { budget, spend } = rules;
  const open = () => calls.filter((call) => !call.outcome && call.scheduledAtMs === null && !settled.has(call.slot));
  const busy = calls.filter((call) => !call.outcome && call.scheduledAtMs !== null && !call.isWaiting).length;
  const started = calls.filter((call) => hasRun(call) || (!call.outcome && call.scheduledAtMs !== null)).length;
  const usedUp =
    budget && spend.toolCalls + started >= limitOf(budget, 'toolCalls')
      ? limitInWords(budget, 'toolCalls', spend)
      : null;
  const stops = budget?.atLimit !== 'ask';
  let to = calls
    .map((call) => (call.outcome?.ok ? handoffOf(call.planned) : undefined))
    .find((name) => name !== undefined);

  const ready = open().filter(({ asks, decision }) => !asks || decision);
  for (const call of ready) {
    const { slot, tool, planned } = call;
    // They start in their order, so that one that has started tells of those before it.
    const passed = !call.asks && calls.some((other) => other.slot > slot && other.scheduledAtMs !== null);
    if (busy >= rules.parallel && !passed) break;
    const isChild = planned !== undefined && 'child' in planned;
    const refusal = passed ? null : (usedUp ?? (isChild && budget ? limitReached(budget, spend) : null));
    if (refusal !== null) {
      if (!stops) break;
      for (const left of ready)
        if (!settled.has(left.slot)) settled.set(left.slot, refused(left.tool, beyondBudget(refusal)));
      break;
    }
    const handoff = handoffOf(planned);
    if (handoff !== undefined) {
      settled.set(slot, handedOff(tool, handoff, to));
      to ??= handoff;
    } else if (isChild && rules.whyNoSubAgent !== null)
      settled.set(slot, refused(tool, { kind: 'rejected', error: rules.whyNoSubAgent }));
  }
  if (usedUp !== null && stops)
    for (const { slot, tool, planned } of open())
      if (handoffOf(planned) === undefined) settled.set(slot, refused(tool, beyondBudget(usedUp)));
  return settled;
}

function handoffOf(planned: PlannedCall | undefined): string | undefined {
  return planned && 'handoff' in planned ? planned.handoff : undefined;
}
