// The carried state: what a run takes along when it continues as new. The workflow writes it field by field, the next history
// begins with a check of it, and the read model reads it.
import { RECORDED_DECISION, RECORDED_REPLY } from './answers.ts';
import { isAttachments } from './attachments.ts';
import { isForkGuard } from './forks.ts';
import { TASK } from './limits.ts';
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
  ApprovedBy,
  Ask,
  AskedInput,
  Attachment,
  Attribution,
  Budget,
  CallTask,
  ChildCall,
  Mark,
  Message,
  ModelAnswer,
  Outcome,
  ParentRun,
  PlannedCall,
  ProviderData,
  RecordedDecision,
  Reply,
  RunResult,
  Spend,
  ToolCall,
  Usage,
  Waits,
} from './types.ts';

/** A worker that finds another version fails the run's first task with a message that names both. */
export const CARRIED_STATE_VERSION = 1;

export interface CarriedState {
  readonly version: typeof CARRIED_STATE_VERSION;
  /** When the run started, in its first history. */
  readonly startedAtMs: number;
  /** The agent that has the conversation: that of the input, or the target of the last handoff. */
  readonly agentName: string;
  /** The agent as it was last recorded. */
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

/** The transcript, without the instructions: the agent's current ones are sent. */
export interface ConversationState {
  readonly messages: readonly Message[];
  /** The part that the model has seen. */
  readonly seen: Mark;
  /** Tokens of that part, including the model's last answer. */
  readonly tokens: number;
  readonly compactions: number;
  /** The turn after which it was last compacted; null if it never was. */
  readonly compactedAt: number | null;
  /** The last turn that the provider refused as too long, and its message. */
  readonly refused: { readonly turn: number; readonly refusal: string } | null;
}

/** Counters of turns, and of consecutive failures that end a run. */
export interface TurnState {
  readonly turn: number;
  /** `maxTurns` counts from this turn: a message of a person restarts the count. */
  readonly limitFrom: number;
  /** Consecutive batches in which every call failed. */
  readonly failedBatches: number;
  /** The last single call that failed, and how often in a row it failed in the same way. */
  readonly sameFailure: { readonly key: string; readonly times: number };
  /** Consecutive answers that were cut off at the output limit. */
  readonly truncated: number;
  /** Consecutive answers that the model had to repair. */
  readonly repairs: number;
  readonly handoffs: number;
  /** While the model is unavailable: since when, and how often the run has waited. */
  readonly outage?: { readonly sinceMs: number; readonly tries: number } | undefined;
}

export interface TallyState {
  readonly calls: number;
  readonly failedCalls: number;
  readonly usage: Usage;
  /** The run's own spend, including active time. */
  readonly spend: Spend;
  /** The last report of each sub-agent, by workflow id. */
  readonly childSpend: Readonly<Record<string, Spend>>;
  readonly warnings: RunResult['warnings'];
}

export interface BudgetState {
  /** The limits of the agent, of the input and raised ones, merged; null without any, and before the first answer. */
  readonly limits: Budget | null;
  /** The limit that kept a call from running. */
  readonly reached: ReasonOf<'budget_reached'> | null;
  /** When the run asked for a higher limit; null if it does not. */
  readonly askedAtMs: number | null;
}

export interface SessionState {
  /** Messages that the model has not been sent yet. */
  readonly queue: readonly QueuedMessage[];
  /** Whether the session waits for its next message. */
  readonly idle: boolean;
  /** How many messages were accepted, including the input. */
  readonly messages: number;
  /** The number of the message that is being answered. */
  readonly message: number;
  readonly messageIds: readonly { readonly id: string; readonly message: number }[];
  /** Ids of commands that took effect. */
  readonly commandIds: readonly string[];
  readonly replies: readonly Reply[];
  /** The last answer, as parsed by the agent's `output` schema. */
  readonly value?: unknown;
  readonly closing: boolean;
}

/** A message gets a reply; a steer joins the message that is being answered. */
export interface QueuedMessage {
  readonly kind: 'message' | 'steer';
  readonly text: string;
  readonly attachments?: readonly Attachment[];
  /** The number of a message; absent for a steer. */
  readonly message?: number;
}

export interface ControlState {
  readonly paused: boolean;
  readonly pausedByParent: boolean;
  readonly stop: Attribution | null;
}

/** The batch of a turn; lists are by slot. */
export interface BatchState {
  readonly answer: Pick<ModelAnswer, 'kind' | 'tell' | 'end' | 'value'>;
  readonly calls: readonly ToolCall[];
  readonly plan: readonly PlannedCall[];
  readonly outcomes: readonly (Outcome | null)[];
  readonly decisions: readonly (RecordedDecision | null)[];
  /** The slots of calls that a person cancelled. */
  readonly cancelled: readonly number[];
  readonly askedAtMs: number;
  readonly isExpired: boolean;
}

/** What the run has reported to others. */
export interface PublishedState {
  /** Whether it last reported to its parent that it waits for people. */
  readonly waiting: boolean;
  /** The questions in its memo. */
  readonly waits: Waits | null;
}

const count = isWholeNumber(0);

const isUsage = isShape<Usage>({
  inputTokens: isNumber,
  outputTokens: isNumber,
  cachedTokens: isNumber,
  reasoningTokens: optional(isNumber),
});

export const isSpendShape = isShape<Spend>({
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

export const isProviderData = isShape<ProviderData>({
  from: isText,
  model: optional(isText),
  message: optional(isRecord(isAnything)),
  calls: optional(isRecord(isRecord(isAnything))),
});

const isMessage = isEither(
  isShape<{ role: string; content: string }>({ role: isOneOf('system'), content: isText }),
  isShape<Extract<Message, { role: 'user' }>>({
    role: isOneOf('user'),
    content: isText,
    attachments: optional(isAttachments),
  }),
  isShape<Extract<Message, { role: 'assistant' }>>({
    role: isOneOf('assistant'),
    content: nullable(isText),
    tool_calls: optional(isList(isToolCall)),
    provider: optional(isProviderData),
  }),
  isShape<Extract<Message, { role: 'tool' }>>({
    role: isOneOf('tool'),
    tool_call_id: isText,
    content: isText,
    attachments: optional(isAttachments),
  }),
);

/** Another version may have other codes, so any text is accepted. */
export const isReason = isShape<{ code: string; parameters: object; text: string }>({
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
  isShape<Extract<Outcome, { ok: true }>>({
    ok: isBoolean,
    tool: isText,
    text: isText,
    attachments: optional(isAttachments),
  }),
  isShape<Extract<Outcome, { ok: false }>>({
    ok: isBoolean,
    ran: isBoolean,
    tool: isText,
    kind: isText,
    reason: isReason,
  }),
);

/** Its limit becomes a timeout, and a count of attempts. */
const isTaskLimit = isWholeNumber(1, TASK.limitMsMax);
const isCallTask = isShape<CallTask>({ state: isText, limitMs: isTaskLimit });

export const isAskedInput = isShape<AskedInput>({
  round: isWholeNumber(1),
  digest: isText,
  state: isText,
  decision: optional(
    isShape<ApprovedBy>({
      verdict: isText,
      by: nullable(isText),
      why: nullable(isText),
      arguments: optional(isText),
    }),
  ),
  task: optional(isCallTask),
});

const isPlanned = isEither(
  isShape<Extract<PlannedCall, { digest: string }>>({
    digest: isText,
    ask: optional(
      isShape<Ask>({
        question: nullable(isText),
        external: optional(isBoolean),
        input: optional(isAskedInput),
        because: optional(isReason),
        by: optional(isList(isText)),
        notInitiator: optional(isBoolean),
      }),
    ),
    arguments: optional(isText),
    child: optional(
      isShape<ChildCall>({ agent: isText, input: isText, context: optional(nullable(isRecord(isAnything))) }),
    ),
    handoff: optional(isText),
  }),
  isShape<Extract<PlannedCall, { problem: object }>>({
    problem: isShape<Extract<PlannedCall, { problem: object }>['problem']>({ kind: isText, reason: isReason }),
  }),
);

const isDecision = isShape<RecordedDecision>(RECORDED_DECISION);

const isReply = isShape<Reply>(RECORDED_REPLY);

const isRules = isRecord(isAnything);

const isAgentRecord = isShape<AgentRecord>({
  digest: isText,
  instructions: isText,
  rules: isRules,
  policies: isRecord(isRecord(isAnything)),
  index: optional(isOneOf('memo', 'attributes', 'status')),
  labels: optional(isBoolean),
  body: optional(isRecord(isAnything)),
});

const isCarriedState = isShape<CarriedState>({
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
    outage: optional(isShape<NonNullable<TurnState['outage']>>({ sinceMs: isNumber, tries: count })),
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
      isShape<QueuedMessage>({
        kind: isOneOf('message', 'steer'),
        text: isText,
        attachments: optional(isAttachments),
        message: optional(count),
      }),
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

/** Returns what is wrong with the carried state; null if it is valid and of this version. */
export function carriedStateProblem(given: unknown): string | null {
  const { version } = Object(given) as { readonly version?: unknown };
  if (version !== CARRIED_STATE_VERSION)
    return `The carried state has ${
      typeof version === 'number' ? `version ${version}` : 'no version'
    }, but this worker knows version ${CARRIED_STATE_VERSION}. Serve the run with workers of the release that started it.`;
  const problem = isCarriedState(given, 'handOver');
  if (problem) return problem;
  const { batch, conversation } = given as CarriedState;
  if (conversation.seen.length > conversation.messages.length)
    return 'handOver.conversation.seen is longer than the list of messages.';
  const lengths = batch ? [batch.plan, batch.outcomes, batch.decisions].map(({ length }) => length) : [];
  return lengths.some((length) => length !== batch?.calls.length)
    ? 'handOver.batch must have one entry for each call.'
    : null;
}

const isParentRun: Check = isShape<ParentRun>({
  depth: isWholeNumber(1),
  rootRunId: optional(isText),
  maxDepth: optional(isWholeNumber(1)),
  reports: isBoolean,
  priced: optional(isBoolean),
  fork: optional(isForkGuard),
});

/** Returns what is wrong with the `parent` of a sub-agent's input; null if it is valid. */
export function parentProblem(given: unknown): string | null {
  return isParentRun(given, 'parent');
}
