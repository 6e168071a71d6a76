// What a run hands over when it continues as new: one versioned form, written field by field by the workflow, checked when
// the next history begins, and read by the read model.
import type { ReasonOf } from './reasons/codes.ts';
import {
  type Check,
  isAnything,
  isBoolean,
  isEither,
  isList,
  isNumber,
  isOneOf,
  isRecord,
  isShape,
  isText,
  isWholeNumber,
  nullable,
  optional,
} from './shape.ts';
import type {
  AgentRecord,
  Attribution,
  Budget,
  Mark,
  Message,
  ModelAnswer,
  Outcome,
  ParentRun,
  PlannedCall,
  RecordedDecision,
  Reply,
  RunResult,
  Spend,
  ToolCall,
  Usage,
  Waits,
} from './types.ts';

/** Another version is another form: a worker that does not know it fails the run's first task with that message. */
export const HAND_OVER_VERSION = 1;

export interface HandOver {
  readonly version: typeof HAND_OVER_VERSION;
  /** When the run began. */
  readonly startedAtMs: number;
  /** Who has the conversation: the agent of the input, or whom it was handed to; and as it was last recorded. */
  readonly agentName: string;
  readonly agent: AgentRecord | null;
  readonly conversation: ConversationState;
  readonly turns: TurnState;
  readonly tally: TallyState;
  readonly budget: BudgetState;
  readonly session: SessionState;
  readonly control: ControlState;
  readonly batch: BatchState | null;
  readonly published: PublishedState;
}

/** The conversation without the instructions: those are the agent's, and are sent as they are today. */
export interface ConversationState {
  readonly messages: readonly Message[];
  /** What the model has seen. */
  readonly seen: Mark;
  /** Tokens of what the model has seen, its last answer included. */
  readonly tokens: number;
  readonly compactions: number;
  /** The turn after which it was compacted last; null for never. */
  readonly compactedAt: number | null;
  /** The last turn that the provider refused as too long, and its message. */
  readonly refused: { readonly turn: number; readonly refusal: string } | null;
}

/** Turns, and what of the last ones in a row decides whether there are more. */
export interface TurnState {
  readonly turn: number;
  /** Turns are limited from here on: the last time that a person said something. */
  readonly limitFrom: number;
  /** Consecutive batches in which every call failed. */
  readonly failedBatches: number;
  /** The single call that failed last, and how often in a row it failed in that way. */
  readonly sameFailure: { readonly key: string; readonly times: number };
  /** Consecutive answers that were cut off by the output limit. */
  readonly truncated: number;
  /** Consecutive answers that were sent back. */
  readonly repairs: number;
  readonly handoffs: number;
}

export interface TallyState {
  readonly calls: number;
  readonly failedCalls: number;
  readonly usage: Usage;
  /** Of this run alone; its active time included. */
  readonly spend: Spend;
  /** Of each sub-agent, by workflow id, as it last reported. */
  readonly childSpend: Readonly<Record<string, Spend>>;
  readonly warnings: RunResult['warnings'];
}

export interface BudgetState {
  /** The agent's limits, the input's and raised ones put together; null where there are none, and before the first answer. */
  readonly limits: Budget | null;
  /** The limit that kept a call from running. */
  readonly reached: ReasonOf<'budget_reached'> | null;
  /** Since when the run asks for a higher limit. */
  readonly askedAtMs: number | null;
}

export interface SessionState {
  /** What people have said and the model has not been sent yet. */
  readonly queue: readonly QueuedMessage[];
  /** Waits for its next message. */
  readonly idle: boolean;
  /** Messages accepted, the input among them; and the one that is being answered. */
  readonly messages: number;
  readonly message: number;
  readonly messageIds: readonly { readonly id: string; readonly message: number }[];
  /** Ids of commands that were carried out. */
  readonly commandIds: readonly string[];
  readonly replies: readonly Reply[];
  /** The last answer as the agent's `output` schema made it. */
  readonly value?: unknown;
  readonly closing: boolean;
}

/** A message is answered by a reply; a steer joins what the run works on. */
export interface QueuedMessage {
  readonly kind: 'message' | 'steer';
  readonly text: string;
  /** Of a message: its number. */
  readonly message?: number;
}

export interface ControlState {
  readonly paused: boolean;
  readonly pausedByParent: boolean;
  readonly stop: Attribution | null;
}

/** A turn's calls and what became of each, by slot. */
export interface BatchState {
  readonly answer: Pick<ModelAnswer, 'kind' | 'tell' | 'end' | 'value'>;
  readonly calls: readonly ToolCall[];
  readonly plan: readonly PlannedCall[];
  readonly outcomes: readonly (Outcome | null)[];
  readonly decisions: readonly (RecordedDecision | null)[];
  /** Calls that a person has cancelled. */
  readonly cancelled: readonly number[];
  readonly askedAtMs: number;
  readonly isExpired: boolean;
}

/** What others have been told of the run. */
export interface PublishedState {
  /** Whether its parent takes it to be waiting for people. */
  readonly waiting: boolean;
  /** What its memo says that it waits for. */
  readonly waits: Waits | null;
}

const count = isWholeNumber(0);

const isUsage = isShape<Usage>({ inputTokens: isNumber, outputTokens: isNumber, cachedTokens: isNumber });

const isSpendShape = isShape<Spend>({
  inputTokens: isNumber,
  outputTokens: isNumber,
  cachedTokens: isNumber,
  cost: isNumber,
  modelCalls: isNumber,
  toolCalls: isNumber,
  activeMs: isNumber,
});

const isToolCall = isShape<ToolCall>({
  id: isText,
  type: isOneOf('function'),
  function: isShape<ToolCall['function']>({ name: isText, arguments: isText }),
});

const isMessage = isEither(
  isShape<{ role: string; content: string }>({ role: isOneOf('system', 'user'), content: isText }),
  isShape<Extract<Message, { role: 'assistant' }>>({
    role: isOneOf('assistant'),
    content: nullable(isText),
    tool_calls: optional(isList(isToolCall)),
  }),
  isShape<Extract<Message, { role: 'tool' }>>({ role: isOneOf('tool'), tool_call_id: isText, content: isText }),
);

/** Codes may be those of another version; texts are there for people. */
const isReason = isShape<{ code: string; parameters: object; text: string }>({
  code: isText,
  parameters: isRecord(isAnything),
  text: isText,
});

const isBudget = isShape<Budget>({
  tokens: optional(isNumber),
  cost: optional(isNumber),
  modelCalls: optional(isNumber),
  toolCalls: optional(isNumber),
  activeMs: optional(isNumber),
  atLimit: optional(isOneOf('stop', 'ask')),
});

const isAttribution = isShape<Attribution>({ by: optional(isText), why: optional(isText) });

const isOutcome = isEither(
  isShape<Extract<Outcome, { ok: true }>>({ ok: isBoolean, tool: isText, text: isText }),
  isShape<Extract<Outcome, { ok: false }>>({
    ok: isBoolean,
    ran: isBoolean,
    tool: isText,
    kind: isText,
    reason: isReason,
  }),
);

const isPlanned = isEither(
  isShape<Extract<PlannedCall, { digest: string }>>({
    digest: isText,
    ask: optional(isShape<{ question: string | null }>({ question: nullable(isText) })),
    arguments: optional(isText),
    child: optional(isShape<{ agent: string; input: string }>({ agent: isText, input: isText })),
    handoff: optional(isText),
  }),
  isShape<Extract<PlannedCall, { problem: object }>>({
    problem: isShape<Extract<PlannedCall, { problem: object }>['problem']>({ kind: isText, reason: isReason }),
  }),
);

const isDecision = isShape<RecordedDecision>({
  call: isText,
  verdict: isOneOf('approve', 'edit', 'reject', 'respond'),
  by: nullable(isText),
  why: nullable(isText),
  atMs: isNumber,
  arguments: optional(isText),
  written: optional(isText),
  text: optional(isText),
});

const isReply = isShape<Reply>({
  message: count,
  status: isText,
  output: nullable(isText),
  value: optional(isAnything),
  reason: nullable(isText),
  reasonCode: nullable(isText),
  reasonParameters: nullable(isRecord(isAnything)),
});

const isRules = isRecord(isAnything);

const isAgentRecord = isShape<AgentRecord>({
  digest: isText,
  instructions: isText,
  rules: isRules,
  policies: isRecord(isRecord(isAnything)),
  index: optional(isOneOf('memo', 'attributes')),
});

const isHandOver = isShape<HandOver>({
  version: isAnything,
  startedAtMs: isNumber,
  agentName: isText,
  agent: nullable(isAgentRecord),
  conversation: isShape<ConversationState>({
    messages: isList(isMessage),
    seen: isShape<Mark>({ length: count, digest: isText }),
    tokens: isNumber,
    compactions: count,
    compactedAt: nullable(count),
    refused: nullable(isShape<{ turn: number; refusal: string }>({ turn: count, refusal: isText })),
  }),
  turns: isShape<TurnState>({
    turn: count,
    limitFrom: count,
    failedBatches: count,
    sameFailure: isShape<TurnState['sameFailure']>({ key: isText, times: count }),
    truncated: count,
    repairs: count,
    handoffs: count,
  }),
  tally: isShape<TallyState>({
    calls: count,
    failedCalls: count,
    usage: isUsage,
    spend: isSpendShape,
    childSpend: isRecord(isSpendShape),
    warnings: isList(isReason),
  }),
  budget: isShape<BudgetState>({
    limits: nullable(isBudget),
    reached: nullable(isReason),
    askedAtMs: nullable(isNumber),
  }),
  session: isShape<SessionState>({
    queue: isList(
      isShape<QueuedMessage>({ kind: isOneOf('message', 'steer'), text: isText, message: optional(count) }),
    ),
    idle: isBoolean,
    messages: count,
    message: count,
    messageIds: isList(isShape<{ id: string; message: number }>({ id: isText, message: count })),
    commandIds: isList(isText),
    replies: isList(isReply),
    value: optional(isAnything),
    closing: isBoolean,
  }),
  control: isShape<ControlState>({
    paused: isBoolean,
    pausedByParent: isBoolean,
    stop: nullable(isAttribution),
  }),
  batch: nullable(
    isShape<BatchState>({
      answer: isShape<BatchState['answer']>({
        kind: isText,
        tell: optional(isText),
        end: optional(isShape<{ status: string; reason: object }>({ status: isText, reason: isReason })),
        value: optional(isAnything),
      }),
      calls: isList(isToolCall),
      plan: isList(isPlanned),
      outcomes: isList(nullable(isOutcome)),
      decisions: isList(nullable(isDecision)),
      cancelled: isList(count),
      askedAtMs: isNumber,
      isExpired: isBoolean,
    }),
  ),
  published: isShape<PublishedState>({ waiting: isBoolean, waits: nullable(isRecord(isAnything)) }),
});

/** What is wrong with a hand-over; null where it is one of this version. */
export function handOverProblem(given: unknown): string | null {
  const { version } = Object(given) as { readonly version?: unknown };
  if (version !== HAND_OVER_VERSION)
    return `The hand-over must be of version ${HAND_OVER_VERSION}, which this worker knows; it is of ${
      typeof version === 'number' ? `version ${version}` : 'no version'
    }.`;
  const problem = isHandOver(given, 'handOver');
  if (problem) return problem;
  const { batch, conversation } = given as HandOver;
  if (conversation.seen.length > conversation.messages.length)
    return 'handOver.conversation.seen goes beyond the messages.';
  const lengths = batch ? [batch.plan, batch.outcomes, batch.decisions].map(({ length }) => length) : [];
  return lengths.some((length) => length !== batch?.calls.length) ? 'handOver.batch has not one entry a call.' : null;
}

const isParentRun: Check = isShape<ParentRun>({
  depth: isWholeNumber(1),
  maxDepth: optional(isWholeNumber(1)),
  reports: isBoolean,
  priced: optional(isBoolean),
});

/** What is wrong with what a parent tells its sub-agent; null where nothing is. */
export function parentProblem(given: unknown): string | null {
  return isParentRun(given, 'parent');
}
