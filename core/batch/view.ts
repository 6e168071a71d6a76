// The input and output of the kernel. Plain data: the workflow makes the view from its state, the read model from history.
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
  /** By slot. */
  readonly calls: readonly CallView[];
  readonly control: BatchControl;
  readonly rules: BatchRules;
  readonly budget: Budget | undefined;
  /** The spend of the run and its sub-agents, without the calls of this batch. */
  readonly spend: Spend;
  /** The limit that keeps calls of this batch from running; null once it is raised. */
  readonly reached: ReasonOf<'budget_reached'> | null;
  /** How many sub-agents the run has started, including those of this batch. */
  readonly subAgents: number;
}

export interface CallView {
  readonly tool: string;
  readonly planned: PlannedCall;
  readonly outcome: Outcome | null;
  readonly isRunning: boolean;
  readonly decision: RecordedDecision | null;
  /** A person's new arguments are being planned. */
  readonly isEditing: boolean;
  /** A person cancelled it. */
  readonly isCancelled: boolean;
  /** The running sub-agent, if the call is one. */
  readonly child: ChildView | null;
}

export interface ChildView {
  /** Nothing runs in it, and it waits for people. */
  readonly isWaiting: boolean;
  /** The server has started it, so it can be signalled. */
  readonly isStarted: boolean;
  readonly isPaused: boolean;
  readonly isStopped: boolean;
}

/** What keeps calls from starting. */
export interface BatchControl {
  /** The run was cancelled, or reached its time limit. */
  readonly isCancelled: boolean;
  readonly isInterrupted: boolean;
  readonly isPaused: boolean;
  readonly stop: Attribution | null;
  /** The approvals of the batch have timed out. */
  readonly isExpired: boolean;
}

export interface BatchRules {
  /** The most calls at once. */
  readonly parallel: number;
  /** The most calls of a tool at once. */
  maxParallelOf(tool: string): number | undefined;
  readonly approvalTimeoutMs: number;
  readonly whenApprovalExpires: NonNullable<AgentRules['whenApprovalExpires']>;
  /** The depth of a sub-agent of this run, counted from 1. */
  readonly depth: number;
  readonly maxDepth: number;
  readonly maxSubAgents: number;
}

/** The steps that are due. Once they are done, deciding again returns none. */
export interface BatchDecision {
  readonly steps: readonly BatchStep[];
  /** The limit that keeps a call or a sub-agent from running. */
  readonly reached: ReasonOf<'budget_reached'> | null;
  /** What the batch waits for once the steps are done; null if every call has an outcome. */
  readonly waitsFor: 'calls' | 'people' | null;
}

export type BatchStep =
  | { readonly do: 'start'; readonly slot: number }
  | { readonly do: 'settle'; readonly slot: number; readonly outcome: Outcome }
  | { readonly do: 'pause' | 'resume'; readonly slot: number }
  | { readonly do: 'stop'; readonly slot: number; readonly attribution: Attribution };

/** Returns the rules of a batch. The workflow and the read model share this. */
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
    // The smallest limit of all runs above applies.
    maxDepth: Math.min(maxDepth, parent?.maxDepth ?? maxDepth),
    maxSubAgents: rules.maxSubAgents ?? AGENT_DEFAULTS.maxSubAgents,
  };
}
