// Completes a script's answer to a response: fills in ids, finish reasons and usage. Sends nothing.
import type { ToolCall } from '../../core/types.ts';
import type { ScriptedCall, ScriptedMessage, ScriptedRequest } from './script.ts';
import type { WireShape } from './wires/shape.ts';

export interface Reply {
  readonly id: string;
  readonly created: number;
  readonly model: string;
  readonly choices: readonly ReplyChoice[];
  readonly usage: ReplyUsage;
}

export interface ReplyChoice {
  readonly content: string | null;
  readonly refusal: string | null;
  readonly calls: readonly ReplyCall[];
  readonly functionCall: ToolCall['function'] | null;
  readonly finishReason: string;
}

export interface ReplyCall {
  /** null: sent without an id. */
  readonly id: string | null;
  readonly function: ToolCall['function'];
}

interface ReplyUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly prompt_tokens_details: { readonly cached_tokens: number };
  readonly completion_tokens_details: { readonly reasoning_tokens: number };
}

/** The model name of an agent's script: `offline/<agent>`. */
export function offlineModel(agentName: string): string {
  return `offline/${agentName}`;
}

/** The response with one choice for each message. An empty message gets null content. `namesTool`: so did the request. */
export function replyTo(
  request: ScriptedRequest,
  messages: readonly ScriptedMessage[],
  { callId, finish }: WireShape = {},
  namesTool = false,
): Reply {
  const idOf = callIds(request, messages, callId);
  const choices = messages.map((message) => {
    const choice = choiceOf(message, idOf);
    const answer = { hasCalls: choice.calls.length > 0, namesTool };
    return { ...choice, finishReason: finish?.(choice.finishReason, answer) ?? choice.finishReason };
  });
  return {
    id: `chatcmpl-script-${request.turn}-${request.attempt}`,
    created: Math.floor(Date.now() / 1_000),
    model: offlineModel(request.agent),
    choices,
    usage: usageOf(request, choices, messages[0]?.usage),
  };
}

function choiceOf(message: ScriptedMessage, idOf: (call: ScriptedCall) => string | null): ReplyChoice {
  const {
    value,
    text = value === undefined ? undefined : JSON.stringify(value),
    refusal,
    functionCall,
    calls = [],
  } = message;
  const derived = calls.length > 0 ? 'tool_calls' : functionCall ? 'function_call' : 'stop';
  return {
    content: text ?? null,
    refusal: refusal ?? null,
    calls: calls.map((call) => ({ id: idOf(call), function: functionOf(call) })),
    functionCall: functionCall ? functionOf(functionCall) : null,
    finishReason: message.finishReason ?? derived,
  };
}

function functionOf(call: Pick<ScriptedCall, 'tool' | 'arguments'>): ToolCall['function'] {
  const { tool, arguments: value = {} } = call;
  return { name: tool, arguments: typeof value === 'string' ? value : JSON.stringify(value) };
}

/** Assigns ids by turn and slot: the same for every request of the turn, and never one that the conversation has. */
function callIds(
  request: ScriptedRequest,
  messages: readonly ScriptedMessage[],
  callId = (seed: string) => `call_${seed}`,
): (call: ScriptedCall) => string | null {
  const taken = new Set<string | null | undefined>(messages.flatMap(({ calls = [] }) => calls.map((call) => call.id)));
  for (const message of request.messages)
    if (message.role === 'assistant') for (const call of message.tool_calls ?? []) taken.add(call.id);
  let slot = 0;
  return (call) => {
    let seed = `${request.turn}_${slot++}`;
    if (call.id !== undefined) return call.id;
    while (taken.has(callId(seed))) seed += '_';
    const id = callId(seed);
    taken.add(id);
    return id;
  };
}

/** A rough, deterministic estimate of about four characters per token; a script has no tokenizer. */
export function tokensIn(value: unknown): number {
  return Math.ceil(JSON.stringify(value).length / 4);
}

function usageOf(
  request: ScriptedRequest,
  choices: readonly ReplyChoice[],
  said: ScriptedMessage['usage'],
): ReplyUsage {
  const prompt_tokens = said?.inputTokens ?? tokensIn(request.messages);
  const completion_tokens = said?.outputTokens ?? (choices.length === 0 ? 0 : tokensIn(choices));
  return {
    prompt_tokens,
    completion_tokens,
    total_tokens: prompt_tokens + completion_tokens,
    prompt_tokens_details: { cached_tokens: said?.cachedTokens ?? 0 },
    completion_tokens_details: { reasoning_tokens: said?.reasoningTokens ?? 0 },
  };
}
