// The wire format of a reply: one JSON object, or the chunks that the OpenAI API streams.
import type { Reply, ReplyCall, ReplyChoice } from './reply.ts';

/** Marks the response as scripted. */
const FINGERPRINT = 'holdfast-script';

// Longer texts are split into larger pieces, so that a stream has at most this many.
const PIECES_MAX = 200;
const WORDS_PER_PIECE = 3;
const ARGUMENT_CHARS_PER_PIECE = 24;

export function completionOf(reply: Reply): object {
  const { id, created, model, usage } = reply;
  const choices = reply.choices.map((choice, index) => ({
    index,
    message: {
      role: 'assistant',
      content: choice.content,
      refusal: choice.refusal,
      ...(choice.calls.length > 0 && { tool_calls: choice.calls.map(callOnWire) }),
      ...(choice.functionCall && { function_call: choice.functionCall }),
    },
    logprobs: null,
    finish_reason: choice.finishReason,
  }));
  return { id, object: 'chat.completion', created, model, system_fingerprint: FINGERPRINT, choices, usage };
}

/** `content`: what the model writes. `end`: finish reasons, and usage if it was requested. Neither includes [DONE]. */
export function chunksOf(reply: Reply, includeUsage: boolean): { content: readonly object[]; end: readonly object[] } {
  const { id, created, model, usage } = reply;
  const chunk = (choices: readonly object[], chunkUsage: object | null = null) => ({
    id,
    object: 'chat.completion.chunk',
    created,
    model,
    system_fingerprint: FINGERPRINT,
    choices,
    ...(includeUsage && { usage: chunkUsage }),
  });
  const of = (index: number, delta: object, finish_reason: string | null = null) =>
    chunk([{ index, delta, logprobs: null, finish_reason }]);
  const content = reply.choices.flatMap((choice, index) => deltasOf(choice).map((delta) => of(index, delta)));
  const end = reply.choices.map((choice, index) => of(index, {}, choice.finishReason));
  // Even a response without choices needs a chunk.
  if (reply.choices.length === 0) end.push(chunk([]));
  if (includeUsage) end.push(chunk([], usage));
  return { content, end };
}

/** The role, then the text in pieces, then each call: its id and name, then its arguments in pieces. */
function deltasOf(choice: ReplyChoice): object[] {
  const deltas: object[] = [{ role: 'assistant', content: choice.content === null ? null : '', refusal: null }];
  for (const content of words(choice.content ?? '')) deltas.push({ content });
  for (const refusal of words(choice.refusal ?? '')) deltas.push({ refusal });
  for (const [index, call] of choice.calls.entries()) {
    deltas.push({ tool_calls: [{ index, ...callOnWire({ ...call, function: { ...call.function, arguments: '' } }) }] });
    for (const part of pieces(call.function.arguments))
      deltas.push({ tool_calls: [{ index, function: { arguments: part } }] });
  }
  if (choice.functionCall) {
    deltas.push({ function_call: { name: choice.functionCall.name, arguments: '' } });
    for (const part of pieces(choice.functionCall.arguments)) deltas.push({ function_call: { arguments: part } });
  }
  return deltas;
}

function callOnWire(call: ReplyCall): object {
  return { ...(call.id !== null && { id: call.id }), type: 'function', function: call.function };
}

function words(text: string): string[] {
  const all = text.match(/\s*\S+|\s+$/g) ?? [];
  const size = Math.max(WORDS_PER_PIECE, Math.ceil(all.length / PIECES_MAX));
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size).join(''));
}

function pieces(text: string): string[] {
  const size = Math.max(ARGUMENT_CHARS_PER_PIECE, Math.ceil(text.length / PIECES_MAX));
  return Array.from({ length: Math.ceil(text.length / size) }, (_, i) => text.slice(i * size, (i + 1) * size));
}
