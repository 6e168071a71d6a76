// A run: the parts of its state, each the only writer of its own, and its phase.
import { ApplicationFailure, type CancellationScope, workflowInfo } from '@temporalio/workflow';
import { type BatchRules, rulesOf } from '../../core/batch/view.ts';
import {
  CARRIED_STATE_VERSION,
  type CarriedState,
  carriedStateProblem,
  parentProblem,
} from '../../core/carriedState.ts';
import { readStarter } from '../../core/deciders.ts';
import { runResult } from '../../core/ends.ts';
import { forkProblem } from '../../core/forks.ts';
import { AGENT_DEFAULTS } from '../../core/limits.ts';
import { FAILURE, MEMO } from '../../core/names.ts';
import type { Reason } from '../../core/reasons/codes.ts';
import { reasonFields } from '../../core/reasons/reason.ts';
import { runInputProblem, withoutNulls } from '../../core/runInput.ts';
import type {
  AgentChanges,
  AgentRecord,
  AgentRules,
  Fork,
  ForkGuard,
  ParentRun,
  RunInput,
  RunResult,
  RunStatus,
  Spend,
} from '../../core/types.ts';
import { TaskBytes } from '../runtime/taskBytes.ts';
import { Wake } from '../runtime/wake.ts';
import { Batch } from './batch.ts';
import { RunBudget } from './budgetState.ts';
import { Clock } from './clock.ts';
import { Control, newControl } from './control.ts';
import { Conversation, newConversation } from './conversation.ts';
import { Published, type Used } from './published.ts';
import { newSession, Session } from './session.ts';
import { newTally, Tally } from './tally.ts';
import { newTurns, Turns } from './turns.ts';

/** The second argument of the workflow: from its parent, from the execution that it continues, or of the run that it is a fork of. */
export type Origin = { readonly parent?: ParentRun; readonly fork?: Fork; readonly handOver?: CarriedState };

export interface End {
  readonly status: RunStatus;
  readonly reason: Reason | null;
  /** Ends the run even if a steer is queued. */
  readonly isFinal?: true;
  /** Ends the session too. Otherwise it replies and stays open. */
  readonly endsSession?: true;
}

export type Phase =
  /** Between turns, or running a batch. */
  | { readonly is: 'running' }
  /** A model call or a compaction is in flight. */
  | { readonly is: 'calling_model'; readonly scope: CancellationScope }
  /** About to continue as new: updates that wait for a reply return without one. */
  | { readonly is: 'continuing' }
  /** Accepts nothing more. */
  | { readonly is: 'ended'; readonly end: End };

export class Run {
  readonly input: RunInput;
  readonly parent: ParentRun | undefined;
  readonly fork: Fork | undefined;
  readonly workflowId: string;
  /** The run id of the first execution of the topmost run. A reset keeps it, while sub-agents get new run ids. */
  readonly rootRunId: string;
  readonly startedAtMs: number;
  /** Who started it, or the topmost run; null if that is not recorded. */
  readonly startedBy: string | null;
  readonly clock: Clock;
  readonly conversation: Conversation;
  readonly turns: Turns;
  readonly tally: Tally;
  readonly budget: RunBudget;
  readonly session: Session;
  readonly control: Control;
  readonly wake = new Wake();
  readonly published: Published;
  readonly task = new TaskBytes();
  #phase: Phase = { is: 'running' };
  #agentName: string;
  #agent: AgentRecord | null;
  #batch: Batch | null;

  constructor(input: RunInput, { parent, fork }: Pick<Origin, 'parent' | 'fork'>, state: CarriedState) {
    const { workflowId, firstExecutionRunId, memo } = workflowInfo();
    this.input = input;
    this.parent = parent ?? undefined;
    this.fork = fork;
    this.workflowId = workflowId;
    this.rootRunId = parent?.rootRunId ?? firstExecutionRunId;
    this.startedAtMs = state.startedAtMs;
    this.startedBy = readStarter(memo?.[MEMO.startedBy]);
    this.clock = new Clock(state.tally.spend.activeMs);
    this.conversation = new Conversation(state.conversation);
    this.turns = new Turns(state.turns);
    this.tally = new Tally(state.tally);
    this.budget = new RunBudget(state.budget);
    this.session = new Session(state.session);
    this.control = new Control(state.control);
    this.published = new Published(input.agent, state.published);
    this.#agentName = state.agentName;
    this.#agent = state.agent;
    this.#batch = state.batch && new Batch(state.batch);
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** The agent that has the conversation. */
  get agentName(): string {
    return this.#agentName;
  }

  /** The agent as it was last recorded; null before its first answer. */
  get agent(): AgentRecord | null {
    return this.#agent;
  }

  /** The open batch, whose calls do not all have an outcome yet. */
  get batch(): Batch | null {
    return this.#batch;
  }

  get isSession(): boolean {
    return this.input.session === true;
  }

  /** What the next execution gets beside the carried state. */
  get passedOn(): Pick<Origin, 'parent' | 'fork'> {
    return { ...(this.parent && { parent: this.parent }), ...(this.fork && { fork: this.fork }) };
  }

  /** Set in a fork, and in the runs below one. */
  get guard(): ForkGuard | undefined {
    return this.fork ?? this.parent?.fork;
  }

  /** Changes to the agent that has the conversation. */
  get changes(): AgentChanges | undefined {
    const { agent, ...changes } = this.fork?.changes ?? {};
    return agent === this.#agentName ? changes : undefined;
  }

  get rules(): Partial<AgentRules> {
    return this.#agent?.rules ?? {};
  }

  get maxTurns(): number {
    return this.input.maxTurns ?? this.rules.maxTurns ?? AGENT_DEFAULTS.maxTurns;
  }

  get batchRules(): BatchRules {
    return rulesOf(this.#agent, this.input.parallel, this.parent);
  }

  get spend(): Spend {
    return this.tally.spend(this.clock.activeMs);
  }

  get used(): Used {
    return { turns: this.turns.turn, spend: this.spend };
  }

  enter(phase: Phase): void {
    this.#phase = phase;
    this.wake.wake();
  }

  recordAgent(agent: AgentRecord): void {
    // After a handoff, the budget that the run started with still applies.
    if (!this.#agent) this.budget.addAgentLimits(agent.rules.budget);
    this.#agent = agent;
  }

  handOffTo(agentName: string): void {
    this.#agentName = agentName;
    this.turns.recordHandoff();
  }

  openBatch(batch: Batch): void {
    this.#batch = batch;
  }

  closeBatch(): void {
    this.#batch = null;
  }

  result({ status, reason }: End): RunResult {
    const { value } = this.session;
    return runResult({
      status,
      output: this.conversation.lastText(),
      ...(status === 'completed' && value !== undefined && { value }),
      ...reasonFields(reason),
      warnings: this.tally.warnings,
      turns: this.turns.turn,
      calls: this.tally.calls,
      failedCalls: this.tally.failedCalls,
      usage: this.tally.usage,
      spend: this.spend,
      transcriptLength: this.conversation.messages.length,
    });
  }

  /** Returns the carried state. A part that is missing here does not compile. */
  carried(): CarriedState {
    return {
      version: CARRIED_STATE_VERSION,
      startedAtMs: this.startedAtMs,
      agentName: this.#agentName,
      agent: this.#agent,
      conversation: this.conversation.carried(),
      turns: this.turns.carried(),
      tally: this.tally.carried(this.clock.activeMs),
      budget: this.budget.carried(),
      session: this.session.carried(),
      control: this.control.carried(),
      batch: this.#batch?.carried() ?? null,
      published: this.published.carried(),
    };
  }
}

/** Makes the run of an input. An invalid input fails the run at once. */
export function openRun(input: RunInput, origin: Origin | undefined): Run {
  const problem = runInputProblem(input) ?? originProblem(origin);
  if (problem) throw ApplicationFailure.nonRetryable(problem, FAILURE.invalidInput);
  const given = withoutNulls(input);
  const { handOver, ...others } = origin ?? {};
  return new Run(given, others, handOver ? begun(handOver) : newState(given));
}

/** A fork starts now, and not when it was made. */
function begun(state: CarriedState): CarriedState {
  const { continuedFromExecutionRunId, startTime } = workflowInfo();
  return continuedFromExecutionRunId ? state : { ...state, startedAtMs: startTime.getTime() };
}

/**
 * Only a parent may pass `parent`. Only continue-as-new and the client, for a fork, may pass `handOver`, which is the carried state; a fork
 * begins between two turns.
 */
function originProblem(origin: unknown): string | null {
  if (origin === undefined || origin === null) return null;
  if (typeof origin !== 'object' || Array.isArray(origin)) return 'Start an agent with one argument, its input.';
  const { parent, fork, handOver, ...others } = origin as Record<string, unknown>;
  const info = workflowInfo();
  if (
    Object.keys(others).length > 0 ||
    (parent && !info.parent) ||
    (handOver && !fork && !info.continuedFromExecutionRunId)
  )
    return 'Start an agent with one argument, its input. Only another run of an agent can pass a second one.';
  if (fork && !handOver) return 'A fork needs the state that it begins with. Start it with the client.';
  const problem =
    (parent ? parentProblem(parent) : null) ??
    (fork ? forkProblem(fork) : null) ??
    (handOver ? carriedStateProblem(handOver) : null);
  if (problem !== null || info.continuedFromExecutionRunId) return problem;
  return (handOver as CarriedState | undefined)?.batch ? 'A fork begins between two turns, without a batch.' : null;
}

function newState(given: RunInput): CarriedState {
  const { agent, input, budget } = given;
  return {
    version: CARRIED_STATE_VERSION,
    startedAtMs: workflowInfo().startTime.getTime(),
    agentName: agent,
    agent: null,
    conversation: newConversation(given),
    turns: newTurns(),
    tally: newTally(),
    budget: { limits: budget ?? null, reached: null, askedAtMs: null },
    session: newSession(input),
    control: newControl(),
    batch: null,
    published: { waiting: false, waits: null },
  };
}
