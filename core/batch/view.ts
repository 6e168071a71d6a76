// What the kernel of a batch looks at, and what it answers with. Plain data: the workflow makes a view of its state, the
// read model one of a history.
import { AGENT_DEFAULTS } from '../limits.ts';
import type { ReasonOf } from '../reasons/codes.ts';
import type {
  AgentRecord,
  AgentRules,
  Attribution,
  Budget,
  Outcome,
  ParentRun,
  PlannedCall,
  RecordedDecision,
  Spend,
} from '../types.ts';

export interface BatchView {
  /** By slot, in the order the model asked. */
  readonly calls: readonly CallView[];
  readonly control: BatchControl;
  readonly rules: BatchRules;
  readonly budget: Budget | undefined;
  /** Spent by the run and its sub-agents, without the calls of this batch. */
  readonly spend: Spend;
  /** A limit that has kept calls of this batch from running, until it is raised. */
  readonly reached: ReasonOf<'budget_reached'> | null;
  /** Sub-agents that the run has started, those of this batch among them. */
  readonly subAgents: number;
}

export interface CallView {
  readonly tool: string;
  readonly planned: PlannedCall;
  /** null until it has one. */
  readonly outcome: Outcome | null;
  readonly isRunning: boolean;
  /** Of a person, where the call waits for one. */
  readonly decision: RecordedDecision | null;
  /** New arguments are being planned for it. */
  readonly isEditing: boolean;
  /** A person cancelled it. */
  readonly isCancelled: boolean;
  /** Of a sub-agent that is running. */
  readonly child: ChildView | null;
}

export interface ChildView {
  /** Nothing runs in it: it waits for people. */
  readonly isWaiting: boolean;
  /** It can be signalled. */
  readonly isStarted: boolean;
  readonly isPaused: boolean;
  readonly isStopped: boolean;
}

/** What keeps calls from starting. */
export interface BatchControl {
  /** The run is cancelled, or its time is up. */
  readonly isCancelled: boolean;
  readonly isInterrupted: boolean;
  readonly isPaused: boolean;
  readonly stop: Attribution | null;
  /** The time to decide about its calls is over. */
  readonly isExpired: boolean;
}

export interface BatchRules {
  /** Calls at once. */
  readonly parallel: number;
  /** Calls of a tool at once. */
  maxParallelOf(tool: string): number | undefined;
  readonly approvalTimeoutMs: number;
  readonly whenApprovalExpires: NonNullable<AgentRules['whenApprovalExpires']>;
  /** How deep a sub-agent of this run would be, and may be. */
  readonly depth: number;
  readonly maxDepth: number;
  readonly maxSubAgents: number;
}

/** What is to be done now. After all steps, deciding again gives none. */
export interface BatchDecision {
  readonly steps: readonly BatchStep[];
  /** The limit that keeps a call or a sub-agent from going on. */
  readonly reached: ReasonOf<'budget_reached'> | null;
  /** What the batch waits for when the steps are done; null when every call has an outcome. */
  readonly waitsFor: 'calls' | 'people' | null;
}

export type BatchStep =
  | { readonly do: 'start'; readonly slot: number }
  | { readonly do: 'settle'; readonly slot: number; readonly outcome: Outcome }
  | { readonly do: 'pause' | 'resume'; readonly slot: number }
  | { readonly do: 'stop'; readonly slot: number; readonly by: Attribution };

/** The rules of a batch, for a run of this agent: the same for the workflow and for the read model. */
export function rulesOf(
  agent: Pick<AgentRecord, 'rules' | 'policies'> | null | undefined,
  parallel: number | undefined,
  parent: ParentRun | undefined,
): BatchRules {
  const rules: Partial<AgentRules> = agent?.rules ?? {};
  const { maxDepth = AGENT_DEFAULTS.maxDepth } = rules;
  return {
    parallel: parallel ?? rules.parallel ?? AGENT_DEFAULTS.parallel,
    maxParallelOf: (tool) => agent?.policies[tool]?.maxParallel,
    approvalTimeoutMs: rules.approvalTimeoutMs ?? AGENT_DEFAULTS.approvalTimeoutMs,
    whenApprovalExpires: rules.whenApprovalExpires ?? AGENT_DEFAULTS.whenApprovalExpires,
    depth: (parent?.depth ?? 0) + 1,
    // The least of the limits of all runs above counts.
    maxDepth: Math.min(maxDepth, parent?.maxDepth ?? maxDepth),
    maxSubAgents: rules.maxSubAgents ?? AGENT_DEFAULTS.maxSubAgents,
  };
}
