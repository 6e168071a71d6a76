// Effects in a fork: its idempotency keys are its own, so what the original has done could be done again. Calls that may have an effect
// wait for a person, or do not run. The workflow and the read model share this.
import { reason } from '../reasons/reason.ts';
import type { AgentRecord, ForkGuard, PlannedCall, ToolCall } from '../types.ts';

/** Returns the plan of a batch as the fork allows it. */
export function guardPlan(
  plan: readonly PlannedCall[],
  calls: readonly ToolCall[],
  agent: Pick<AgentRecord, 'policies'> | null | undefined,
  guard: ForkGuard | undefined,
): readonly PlannedCall[] {
  if (!guard || guard.effects === 'live') return plan;
  return plan.map((planned, slot) => guardCall(planned, calls[slot]?.function.name ?? '', agent, guard));
}

/** Returns the plan of a call as the fork allows it. */
export function guardCall(
  planned: PlannedCall,
  tool: string,
  agent: Pick<AgentRecord, 'policies'> | null | undefined,
  guard: ForkGuard | undefined,
): PlannedCall {
  if (!guard || guard.effects === 'live' || 'problem' in planned) return planned;
  const { ask, child, handoff } = planned;
  // A handoff has no effect, and the calls of a sub-agent are guarded in its own run.
  if (child || handoff !== undefined) return planned;
  const policies = agent?.policies ?? {};
  const effect = Object.hasOwn(policies, tool) ? policies[tool]?.effect : undefined;
  // Somebody outside carries it out, whatever its effect is said to be.
  if (effect === 'read' && !ask?.external) return planned;
  const { workflowId } = guard.of;
  const facts = { workflowId, tool, ...(effect && { effect }) };
  if (guard.effects === 'block') return { problem: { kind: 'rejected', reason: reason('fork_blocks', facts) } };
  return { ...planned, ask: { question: null, ...ask, because: reason('fork_asks', facts) } };
}
