// The wire format of a reply: one JSON object, or the chunks of a stream; as of OpenAI's API, or in the shape of another provider's.
import type { Reply, ReplyCall, ReplyChoice } from './reply.ts';
import type { WireShape } from './wires/shape.ts';
import { textParts } from './wires/shared.ts';

/** Marks the response as scripted. */
const FINGERPRINT = 'holdfast-script';

// Longer texts are split into larger pieces, so that a stream has at most this many.
const PIECES_MAX = 200;
const WORDS_PER_PIECE = 3;
const ARGUMENT_CHARS_PER_PIECE = 24;

export function completionOf(reply: Reply, shape: WireShape = {}): object {
  const { id, created, model, usage } = reply;
  const choices = reply.choices.map((choice, index) => ({
    index,
    message: {
      role: 'assistant',
      content: wholeContent(choice, shape),
      refusal: choice.refusal,
      ...shape.thought?.(choice).fields,
      ...shape.ofMessage?.(choice),
      ...shape.ofMessageLast?.(choice),
      ...(choice.calls.length > 0 && { tool_calls: choice.calls.map((call, slot) => wholeCall(call, slot, shape)) }),
      ...(choice.functionCall && { function_call: choice.functionCall }),
    },
    logprobs: null,
    ...shape.ofChoice,
    finish_reason: choice.finishReason,
  }));
  return {
    id,
    object: 'chat.completion',
    created,
    model,
    system_fingerprint: FINGERPRINT,
    choices,
    ...(!shape.noUsage && { usage }),
  };
}

/** `content`: what the model writes. `end`: finish reasons, and usage if it was requested. Neither includes [DONE]. */
export function chunksOf(
  reply: Reply,
  isUsageAsked: boolean,
  shape: WireShape = {},
): { content: readonly object[]; end: readonly object[] } {
  const { id, created, model, usage } = reply;
  const includeUsage = isUsageAsked && !shape.noUsage;
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
    chunk([{ index, delta, logprobs: null, finish_reason, ...shape.ofChoice }]);
  const head = (shape.head ?? []).map((fields) => ({ ...chunk([]), ...fields }));
  const deltas = reply.choices.flatMap((choice, index) => deltasOf(choice, shape).map((delta) => of(index, delta)));
  const content = [...head, ...deltas];
  const end = reply.choices.map((choice, index) => of(index, {}, choice.finishReason));
  // Even a response without choices needs a chunk.
  if (reply.choices.length === 0) end.push(chunk([]));
  if (includeUsage) end.push(chunk([], usage));
  return { content, end };
}

/** The role, then the text in pieces, then each call: its id and name, then its arguments in pieces. */
function deltasOf(choice: ReplyChoice, shape: WireShape): object[] {
  const deltas: object[] = [{ role: 'assistant', content: choice.content === null ? null : '', refusal: null }];
  const ofMessage = shape.ofMessage?.(choice);
  if (ofMessage) deltas.push(ofMessage);
  deltas.push(...(shape.thought?.(choice).deltas ?? []));
  for (const text of words(choice.content ?? '')) deltas.push({ content: contentOf(text, shape) });
  for (const refusal of words(choice.refusal ?? '')) deltas.push({ refusal });
  for (const [slot, call] of choice.calls.entries())
    for (const piece of piecesOfCall(call, slot, shape)) deltas.push({ tool_calls: [piece] });
  if (choice.functionCall) {
    deltas.push({ function_call: { name: choice.functionCall.name, arguments: '' } });
    for (const part of pieces(choice.functionCall.arguments)) deltas.push({ function_call: { arguments: part } });
  }
  const ofMessageLast = shape.ofMessageLast?.(choice);
  if (ofMessageLast) deltas.push(ofMessageLast);
  return deltas;
}

function contentOf(text: string | null, { content }: WireShape): unknown {
  return text !== null && content ? content(text) : text;
}

function wholeContent(choice: ReplyChoice, shape: WireShape): unknown {
  const { parts } = shape.thought?.(choice) ?? {};
  if (!parts) return contentOf(choice.content, shape);
  return [...parts, ...(choice.content === null ? [] : textParts(choice.content))];
}

function piecesOfCall(call: ReplyCall, slot: number, shape: WireShape): readonly object[] {
  const number = shape.index === 'none' ? {} : { index: shape.index === 'zero' ? 0 : slot };
  if (shape.arguments) return [{ ...number, ...wholeCall(call, slot, shape) }];
  const { name, arguments: json } = call.function;
  const first = wholeCall({ ...call, function: { name, arguments: '' } }, slot, shape);
  const later = (part: string, i: number) => ({
    ...number,
    ...(shape.laterId && { id: `${call.id}${i}` }),
    function: {
      ...(shape.laterName && { name: shape.laterName === 'same' ? name : '' }),
      arguments: part,
    },
  });
  return [{ ...number, ...first }, ...pieces(json).map(later)];
}

function wholeCall({ id, function: { name, arguments: json } }: ReplyCall, slot: number, shape: WireShape): object {
  const given = shape.arguments === 'object' ? objectIn(json) : json;
  return {
    ...(id !== null && { id }),
    type: 'function',
    function: { name, arguments: given },
    ...shape.ofCall?.(id, slot),
  };
}

/** The text itself if it is no JSON. */
function objectIn(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
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
