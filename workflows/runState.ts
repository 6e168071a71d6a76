// The state of a run, and everything that changes it. It is small on purpose: continue-as-new will carry it.
import { ApplicationFailure, type CancellationScope, workflowInfo } from '@temporalio/workflow';
import { budgetProblem } from '../core/budget.ts';
import { tokensOf } from '../core/compaction.ts';
import { batchWarning, outcomeText } from '../core/failures.ts';
import { AGENT_DEFAULTS, PAGE_BYTES_MAX, WARNINGS_CHARS_MAX, WARNINGS_MAX } from '../core/limits.ts';
import { FAILURE } from '../core/names.ts';
import { jsonBytes } from '../core/text.ts';
import { refused } from '../core/toolFailure.ts';
import type {
  AgentRecord,
  Budget,
  Mark,
  Message,
  ModelAnswer,
  Outcome,
  PlannedCall,
  Reply,
  RunInput,
  RunResult,
  RunStatus,
  Said,
  Spend,
  StandingDecision,
  ToolCall,
  TranscriptPage,
  Usage,
  Waits,
} from '../core/types.ts';
import { hasRun } from '../core/unstarted.ts';
import { addSpend, addUsage, NO_SPEND, NO_USAGE, spendOfAnswer } from '../core/usage.ts';
import type { ChildReport, ParentOrder } from './messages.ts';
import type { Clock } from './timeLimit.ts';

export interface End {
  readonly status: RunStatus;
  readonly reason: string | null;
  /** What a person said meanwhile does not keep it from ending. */
  readonly isFinal?: true;
  /** Also a session, which otherwise only answers its message with it. */
  readonly endsSession?: true;
}

export interface RunState extends Carried {
  readonly input: RunInput;
  readonly workflowId: string;
  /** The first run id of the chain. */
  readonly chain: string;
  /** What only this link of the chain has: scopes, handles, the clock. */
  readonly live: Live;
}

/** Everything that the next link of the chain has to know. Plain JSON. */
export interface Carried {
  /** The conversation without the instructions: those are the agent's, and sent as they are today. */
  readonly transcript: Message[];
  /** What the model has seen. */
  known: Mark;
  /** How long the conversation is for the model; left out before its first answer. */
  context?: Context;
  /** Who has the conversation: the agent of the input, or whom it was handed to. */
  agentName: string;
  /** When the first link of the chain began. */
  startedAtMs: number;
  /** The agent as it was last recorded; null before its first answer. */
  agent: AgentRecord | null;
  turn: number;
  /** Turns are limited from here on: the last thing that a person said. */
  turnsBefore: number;
  calls: number;
  failedCalls: number;
  usage: Usage;
  /** Spent by this run itself. */
  spend: Spend;
  /** Spent by sub-agents, by workflow id: their last word. */
  readonly childSpend: Record<string, Spend>;
  /** Its budget as it stands, raised limits included; undefined where there is none beyond that of its input. */
  budget: Budget | undefined;
  /** The limit that kept a call from running. */
  budgetReached: string | null;
  readonly warnings: string[];
  /** Consecutive batches of which every call failed. */
  failedBatches: number;
  /** The single call that failed last, and how often in a row it failed in that way. */
  sameFailure: { readonly key: string; readonly times: number };
  /** Consecutive answers that were cut off by the output limit. */
  truncated: number;
  /** Consecutive answers that were sent back. */
  repairs: number;
  handoffs: number;
  /** The turn whose calls are not all answered yet. */
  batch: Batch | null;
  /** What people have said, and the model has not heard yet. */
  readonly queue: Heard[];
  /** A session that waits for its next message. */
  idle: boolean;
  /** Messages taken in, the input among them; and the one that is being answered. */
  messages: number;
  message: number;
  readonly messageIds: { readonly id: string; readonly message: number }[];
  /** Ids of what steered or interrupted it; left out until one comes. */
  orderIds?: string[];
  readonly replies: Reply[];
  value?: unknown;
  paused: boolean;
  pausedByParent: boolean;
  stop: Said | null;
  closing: boolean;
  /** Since when it waits for more budget. */
  budgetAskedAtMs: number | null;
  /** Whether its parent believes that it waits for people. */
  toldWaiting: boolean;
  /** What the memo says of what it waits for. */
  shownWaits: Waits | null;
}

export interface Context {
  /** Tokens of what the model has seen, its last answer included. */
  readonly tokens: number;
  /** Compactions that were begun. */
  readonly times: number;
  /** The turn after which room was made last. */
  readonly compactedAt?: number;
  /** The last turn that the provider refused as too long, and what it said. */
  readonly refused?: { readonly turn: number; readonly refusal: string };
}

export interface Heard {
  readonly kind: 'message' | 'steer';
  readonly text: string;
  /** Of a message: its number. */
  readonly message?: number;
}

/** A turn's calls and what became of each, by slot. */
export interface Batch {
  readonly answer: Pick<ModelAnswer, 'kind' | 'tell' | 'end' | 'value'>;
  readonly calls: readonly ToolCall[];
  readonly plan: PlannedCall[];
  readonly outcomes: (Outcome | null)[];
  readonly asks: Record<number, Ask>;
  readonly askedAtMs: number;
  /** Whom the conversation is passed to when the batch is settled. */
  handoff: string | null;
  /** Nobody decided in time, and the run is to end for it. */
  expired: string | null;
}

/** A call that waits for a person, or did. */
export interface Ask {
  readonly question: string | null;
  decision: StandingDecision | null;
  /** Its new arguments are being looked at. */
  checking: boolean;
}

export interface Live {
  readonly clock: Clock;
  /** The model call in flight. */
  asking: CancellationScope | null;
  /** Calls in flight, by slot. */
  readonly running: Map<number, CancellationScope>;
  /** Sub-agents in flight, by workflow id. */
  readonly children: Map<string, Child>;
  /** Of a sub-agent, once it has said something. */
  tellParent: ((report: ChildReport) => Promise<void>) | null;
  /** Stop what is in flight, and go on. */
  interrupted: boolean;
  /** Only people are waited for. */
  held: boolean;
  /** Resolves when its parent has heard all that it was told. */
  telling: Promise<void>;
  /** New arguments that are being looked at, by slot. */
  readonly checking: Map<number, CancellationScope>;
  /** Senders that wait for their reply. */
  asks: number;
  /** What large commands have taken of a workflow task, which is named by the history's length. */
  room: { readonly task: number; readonly bytes: number };
  /** What the first `length` messages take in a payload, once that was asked for. */
  weight: Weight | null;
  /** The history is nearly full, and was not to be left behind after a compaction either: another would bring as little. */
  compactedInVain: boolean;
  /** About to continue as new, or over: whoever waits for a reply here should not. */
  leaving: boolean;
  /** How the run ended, once nothing more is taken. */
  ended: End | null;
  wake: () => void;
}

export interface Weight {
  readonly length: number;
  readonly bytes: number;
}

/** A sub-agent in flight, and what it was told. */
export interface Child {
  readonly slot: number;
  /** Only people are waited for in it. */
  waiting: boolean;
  held: boolean;
  stopped: boolean;
  /** null until it has started. */
  tell: ((order: ParentOrder) => Promise<void>) | null;
}

export function openRun(input: RunInput, clock: Clock): RunState {
  const problem = inputProblem(input);
  if (problem) throw ApplicationFailure.nonRetryable(`${problem} ${INPUT_EXAMPLE}`, FAILURE.invalidInput);
  const { workflowId, firstExecutionRunId } = workflowInfo();
  const live: Live = {
    clock,
    asking: null,
    running: new Map(),
    children: new Map(),
    tellParent: null,
    interrupted: false,
    held: false,
    telling: Promise.resolve(),
    checking: new Map(),
    asks: 0,
    room: { task: 0, bytes: 0 },
    weight: null,
    compactedInVain: false,
    leaving: false,
    ended: null,
    wake: () => {},
  };
  // Only continue-as-new sets it, with what `carriedOf` made.
  const state = (input.carried as Carried | undefined) ?? newState(input);
  const { carried: _, ...given } = input;
  return { ...state, input: given, workflowId, chain: firstExecutionRunId, live };
}

function newState({ agent, input, session }: RunInput): Carried {
  // Only a session can begin without having been asked anything.
  const waits = input === '' && session === true;
  return {
    transcript: waits ? [] : [{ role: 'user', content: input }],
    known: { length: 0, digest: '' },
    agentName: agent,
    startedAtMs: workflowInfo().startTime.getTime(),
    agent: null,
    turn: 0,
    turnsBefore: 0,
    calls: 0,
    failedCalls: 0,
    usage: NO_USAGE,
    spend: NO_SPEND,
    childSpend: {},
    budget: undefined,
    budgetReached: null,
    warnings: [],
    failedBatches: 0,
    sameFailure: { key: '', times: 0 },
    truncated: 0,
    repairs: 0,
    handoffs: 0,
    batch: null,
    queue: [],
    idle: waits,
    messages: waits ? 0 : 1,
    message: waits ? 0 : 1,
    messageIds: [],
    replies: [],
    paused: false,
    pausedByParent: false,
    stop: null,
    closing: false,
    budgetAskedAtMs: null,
    toldWaiting: false,
    shownWaits: null,
  };
}

/** The state without what only this link has. */
export function carriedOf({ input: _, workflowId: __, chain: ___, live, ...carried }: RunState): Carried {
  return { ...carried, spend: { ...carried.spend, activeMs: live.clock.activeMs() } };
}

/** Resolves at the next thing that a person, a parent or a sub-agent does, or when the run is cancelled. */
export function nextChange(run: RunState): Promise<void> {
  return new Promise((resolve) => {
    run.live.wake = resolve;
  });
}

export function approvalTimeoutMs({ agent }: RunState): number {
  return agent?.rules.approvalTimeoutMs ?? AGENT_DEFAULTS.approvalTimeoutMs;
}

export function isPaused({ paused, pausedByParent }: RunState): boolean {
  return paused || pausedByParent;
}

const INPUT_EXAMPLE = 'Start an agent with {"agent":"clinic","input":"…"}, and maxTurns or parallel if you like.';

/** A run can be started by hand from anywhere, so its input is looked at before it is believed. */
function inputProblem(input: unknown): string | null {
  if (typeof input !== 'object' || input === null) return 'The input is not an object.';
  const { agent, input: text, maxTurns, parallel, session, budget } = input as Partial<Record<keyof RunInput, unknown>>;
  if (typeof agent !== 'string' || agent === '') return 'The input names no agent.';
  if (typeof text !== 'string') return 'The input has no text for the agent in "input".';
  if (text === '' && session !== true) return 'There is nothing in "input" to ask the agent.';
  for (const [name, value] of Object.entries({ maxTurns, parallel }))
    if (value !== undefined && !(typeof value === 'number' && Number.isInteger(value) && value >= 1))
      return `${name} must be a whole number from 1.`;
  if (session !== undefined && typeof session !== 'boolean') return 'session must be true or false.';
  return budget === undefined ? null : budgetProblem(budget);
}

/** Takes an answer into the run: its calls are to be carried out now. */
export function recordAnswer(run: RunState, answer: ModelAnswer): AgentRecord {
  const { message, plan, kind, tell, end, value, usage } = answer;
  run.context = { ...contextOf(run), tokens: tokensAfter(run, answer) };
  run.transcript.push(message);
  run.known = answer.mark;
  if (answer.weight !== undefined) run.live.weight = { length: answer.mark.length, bytes: answer.weight };
  const isFirst = run.agent === null;
  run.agent = answer.agent ?? run.agent;
  run.usage = addUsage(run.usage, usage);
  run.spend = addSpend(run.spend, spendOfAnswer(answer));
  // The activity leaves it out only where it is the one that this run has told it of.
  if (!run.agent)
    throw ApplicationFailure.nonRetryable('The first answer brought no record of the agent.', FAILURE.model);
  // Whom it is handed to works within the budget that it was started with.
  if (isFirst) run.budget = wholeBudget(run, run.agent);
  const calls = message.tool_calls ?? [];
  const asks = plan.flatMap((planned, slot): [number, Ask][] =>
    'ask' in planned && planned.ask ? [[slot, { ...planned.ask, decision: null, checking: false }]] : [],
  );
  run.batch = {
    answer: { kind, ...(tell !== undefined && { tell }), ...(end && { end }), ...(value !== undefined && { value }) },
    calls,
    plan: [...plan],
    outcomes: calls.map((call, slot) => {
      const planned = plan[slot]!;
      return 'problem' in planned ? refused(call.function.name, planned.problem) : null;
    }),
    asks: Object.fromEntries(asks),
    askedAtMs: Date.now(),
    handoff: null,
    expired: null,
  };
  return run.agent;
}

/** A run that was begun before its conversation was weighed has it weighed once, from its beginning. */
export function contextOf({ context, transcript, known }: RunState): Context {
  return context ?? { tokens: tokensOf(transcript.slice(0, known.length)), times: 0 };
}

/** As the provider counts, which knows of the instructions and tools as well; not every server tells it. */
function tokensAfter(run: RunState, { message, usage }: ModelAnswer): number {
  const said = tokensOf([message]);
  // What a model thinks is counted as its output, and is not sent back to it.
  if (usage.inputTokens > 0) return usage.inputTokens + Math.min(usage.outputTokens, said);
  return contextOf(run).tokens + tokensOf(run.transcript.slice(run.known.length)) + said;
}

function wholeBudget({ input, budget: raised }: RunState, { rules }: AgentRecord): Budget | undefined {
  if (!rules.budget && !input.budget && !raised) return undefined;
  return { ...rules.budget, ...input.budget, ...raised };
}

/** Each call is answered once, in the order the model asked, whatever happened to it. */
function recordOutcomes(run: RunState, batch: Batch, outcomes: readonly Outcome[]): void {
  const { calls, asks } = batch;
  run.spend = addSpend(run.spend, { toolCalls: callsThatRan(batch) });
  for (const [slot, call] of calls.entries())
    run.transcript.push({
      role: 'tool',
      tool_call_id: call.id,
      content: outcomeText(outcomes[slot]!, asks[slot]?.decision),
    });
  run.calls += calls.length;
  run.failedCalls += outcomes.filter((outcome) => !outcome.ok).length;
  const warning = batchWarning(run.turn, outcomes);
  if (warning) warn(run, warning);
}

/** How many calls of the batch have run, by now. */
export function callsThatRan({ plan, outcomes, asks }: Batch): number {
  return outcomes.filter((outcome, slot) =>
    hasRun({ outcome: outcome ?? undefined, planned: plan[slot], decision: asks[slot]?.decision ?? null }),
  ).length;
}

/** Closes the batch: its outcomes are in the transcript, and what the model is to hear besides. */
export function settleBatch(run: RunState, batch: Batch): { calls: readonly ToolCall[]; outcomes: readonly Outcome[] } {
  const { calls, answer, handoff } = batch;
  // Every slot has one: carryOut settles when that is so.
  const outcomes = batch.outcomes as readonly Outcome[];
  recordOutcomes(run, batch, outcomes);
  if (answer.tell !== undefined) run.transcript.push({ role: 'user', content: answer.tell });
  if (answer.kind === 'final') run.value = answer.value;
  run.repairs = answer.kind === 'again' ? run.repairs + 1 : 0;
  if (handoff !== null) {
    run.agentName = handoff;
    run.handoffs += 1;
  }
  run.batch = null;
  return { calls, outcomes };
}

const MORE_WARNINGS = 'More went wrong after this; the history has all of it.';

export function warn(run: RunState, warning: string): void {
  if (run.warnings.at(-1) === MORE_WARNINGS) return;
  const chars = run.warnings.reduce((sum, { length }) => sum + length, warning.length);
  if (run.warnings.length < WARNINGS_MAX && chars <= WARNINGS_CHARS_MAX) run.warnings.push(warning);
  else run.warnings.push(MORE_WARNINGS);
}

export function resultOf(run: RunState, { status, reason }: End): RunResult {
  return {
    status,
    output: lastWords(run),
    ...(status === 'completed' && run.value !== undefined && { value: run.value }),
    reason,
    warnings: run.warnings,
    turns: run.turn,
    calls: run.calls,
    failedCalls: run.failedCalls,
    usage: run.usage,
    spend: totalSpend(run),
    transcriptLength: run.transcript.length,
  };
}

/** With that of its sub-agents; their time is in its own. */
export function totalSpend(run: RunState): Spend {
  const activeMs = run.live.clock.activeMs();
  return { ...Object.values(run.childSpend).reduce(addSpend, run.spend), activeMs };
}

export function lastWords(run: RunState): string | null {
  const spoke = run.transcript.findLast((message) => message.role === 'assistant' && message.content);
  return spoke?.content ?? null;
}

/** A page of the transcript that fits a payload. */
export function page(run: RunState, from: number, limit: number): TranscriptPage {
  const messages: Message[] = [];
  let bytes = 0;
  for (const message of run.transcript.slice(from, from + limit)) {
    bytes += jsonBytes(message);
    if (messages.length > 0 && bytes > PAGE_BYTES_MAX) break;
    messages.push(message);
  }
  return { messages, length: run.transcript.length };
}
