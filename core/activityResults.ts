// Checks the results of activities. Anybody who can reach the server can complete an activity by hand, and an error in the
// workflow would block the run for ever. Fields that are not known are accepted: the worker of the activity may be newer.
import { isAttachments } from './attachments.ts';
import { isAskedInput, isProviderData, isReason } from './carriedState.ts';
import { TASK } from './limits.ts';
import {
  type Check,
  hasShape,
  isAnything,
  isBoolean,
  isEither,
  isList,
  isNumber,
  isOneOf,
  isRecord,
  isText,
  isWholeNumber,
  nullable,
  optional,
} from './shape.ts';
import type {
  AgentRecord,
  Ask,
  CallTask,
  ChildCall,
  CompactAnswer,
  Lost,
  Mark,
  ModelAnswer,
  NeededInput,
  PassedOver,
  PlannedCall,
  RequestRecord,
  ToolCall,
  ToolCallResult,
  ToolPolicy,
  Usage,
} from './types.ts';

type Plan = Extract<PlannedCall, { digest: string }>;
type Refused = Extract<PlannedCall, { problem: object }>;

const count = isWholeNumber(0);

const isMark = hasShape<Mark>({ length: count, digest: isText });

const isUsage = hasShape<Usage>({
  inputTokens: isNumber,
  outputTokens: isNumber,
  cachedTokens: isNumber,
  reasoningTokens: optional(isNumber),
});

const isLost = hasShape<Lost>({ attempts: count, usage: isUsage, cost: isNumber });

const isCall = hasShape<ToolCall>({
  id: isText,
  type: isOneOf('function'),
  function: hasShape<ToolCall['function']>({ name: isText, arguments: isText }),
});

const isPlanned = isEither(
  hasShape<Plan>({
    digest: isText,
    ask: optional(
      hasShape<Ask>({
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
      hasShape<ChildCall>({ agent: isText, input: isText, context: optional(nullable(isRecord(isAnything))) }),
    ),
    handoff: optional(isText),
  }),
  hasShape<Refused>({ problem: hasShape<Refused['problem']>({ kind: isText, reason: isReason }) }),
);

const isPolicy = hasShape<ToolPolicy>({
  effect: isOneOf('read', 'idempotent', 'once'),
  timeoutMs: isNumber,
  waitMs: optional(isNumber),
  heartbeatMs: isNumber,
  attempts: isWholeNumber(1),
  backoff: hasShape<ToolPolicy['backoff']>({ initialMs: isNumber, factor: isNumber, maxMs: isNumber }),
  maxParallel: optional(isWholeNumber(1)),
  queue: optional(isText),
});

const isAnswer = hasShape<ModelAnswer>({
  message: hasShape<ModelAnswer['message']>({
    role: isOneOf('assistant'),
    content: nullable(isText),
    tool_calls: optional(isList(isCall)),
    provider: optional(isProviderData),
  }),
  kind: isOneOf('final', 'calls', 'truncated', 'refused', 'again', 'ended'),
  tell: optional(isText),
  end: optional(hasShape<NonNullable<ModelAnswer['end']>>({ status: isText, reason: isReason })),
  value: optional(isAnything),
  plan: isList(isPlanned),
  mark: isMark,
  weight: optional(isNumber),
  agent: optional(
    hasShape<AgentRecord>({
      digest: isText,
      instructions: isText,
      rules: isRecord(isAnything),
      policies: isRecord(isPolicy),
      index: optional(isOneOf('memo', 'attributes', 'status')),
      labels: optional(isBoolean),
      body: optional(isRecord(isAnything)),
    }),
  ),
  model: isText,
  usage: isUsage,
  cost: optional(isNumber),
  warning: optional(isReason),
  lost: optional(isLost),
  passedOver: optional(isList(hasShape<PassedOver>({ model: isText, error: isText }))),
  // Only readers use the rest of it, and they say what they cannot use.
  request: optional(
    hasShape<RequestRecord>({
      frame: isText,
      messages: isText,
      framed: optional(isAnything),
      pieces: optional(isAnything),
    }),
  ),
});

const isToolResult = hasShape<ToolCallResult>({
  text: isText,
  attachments: optional(nullable(isAttachments)),
  needsInput: optional(hasShape<NeededInput>({ question: isText, state: isText })),
  task: optional(hasShape<CallTask>({ state: isText, limitMs: isWholeNumber(1, TASK.limitMsMax) })),
});

const isCompactAnswer = hasShape<CompactAnswer>({
  strategy: isOneOf('summarise', 'drop-oldest', 'own'),
  replaced: count,
  messages: isList(hasShape<{ role: string; content: unknown }>({ role: isText, content: isAnything })),
  mark: isMark,
  tokens: isNumber,
  summary: optional(isText),
  warning: optional(isReason),
  modelCalls: count,
  usage: isUsage,
  cost: optional(isNumber),
  lost: optional(isLost),
  // Only readers use it.
  asked: optional(isAnything),
});

/** For each activity, returns what is wrong with its result; null if it is valid. */
/** In place of a result that is no JSON: a worker of any language may have returned it, and decoding it would block the run. */
export const NOT_JSON = { 'holdfast/notJson': true };

export function isNotJson(result: unknown): boolean {
  return Object.hasOwn(Object(result), 'holdfast/notJson');
}

export const resultProblem = {
  model(given: unknown): string | null {
    const problem = isAnswer(given, 'answer');
    if (problem !== null) return invalid(problem);
    const { message, plan } = given as ModelAnswer;
    return (message.tool_calls?.length ?? 0) === plan.length
      ? null
      : invalid('answer.plan must have an entry for each call.');
  },
  tool: problemOf(isToolResult),
  plan: problemOf(isPlanned),
  compaction: problemOf(isCompactAnswer),
} as const;

function problemOf(check: Check) {
  return (given: unknown): string | null => {
    const problem = check(given, 'result');
    return problem === null ? null : invalid(problem);
  };
}

function invalid(problem: string): string {
  return `the activity was completed with something else than its result: ${problem}`;
}
