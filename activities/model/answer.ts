// Builds a model's answer from the chunks of a stream, or from a whole completion. Validates nothing.
import type { Usage } from '../../core/types.ts';
import { NO_USAGE } from '../../core/usage.ts';

/** A call as the model wrote it, not yet validated. */
export interface RawCall {
  id: string;
  name: string;
  arguments: string;
}

export interface RawAnswer {
  content: string;
  refusal: string;
  calls: RawCall[];
  /** One for each choice that has one. */
  finishReasons: string[];
  model: string;
  usage: Usage;
}

interface CallPiece {
  index?: number | null;
  id?: string | null;
  function?: { name?: string | null; arguments?: string | null } | null;
}

interface Piece {
  content?: string | null;
  refusal?: string | null;
  tool_calls?: CallPiece[] | null;
  function_call?: { name?: string | null; arguments?: string | null } | null;
}

/** The fields that we read of a streamed chunk or a whole completion. Compatible servers may leave out any of them. */
export interface WirePart {
  model?: string | null;
  choices?:
    | { index?: number | null; delta?: Piece | null; message?: Piece | null; finish_reason?: string | null }[]
    | null;
  usage?: {
    prompt_tokens?: number | null;
    completion_tokens?: number | null;
    prompt_tokens_details?: { cached_tokens?: number | null } | null;
  } | null;
  error?: unknown;
}

interface Choice {
  content: string;
  refusal: string;
  calls: Map<number, RawCall>;
  legacy: RawCall | undefined;
  finish: string;
}

export interface AnswerBuilder {
  add(part: WirePart): void;
  /** The text so far. */
  text(): string;
  calls(): RawCall[];
  /** Token usage, as far as the provider has reported it; mostly zero before the end. */
  usage(): Usage;
  /** Size so far, so that an endless stream can be stopped before it fills the memory. */
  size(): { readonly calls: number; readonly chars: number };
  /** Whether a finish_reason came, and one for every choice with calls. Never true for a stream that was cut off. */
  isFinished(): boolean;
  build(): RawAnswer;
}

export function buildAnswer(): AnswerBuilder {
  const choices = new Map<number, Choice>();
  let model = '';
  let usage = NO_USAGE;
  let chars = 0;

  function choiceAt(index: number): Choice {
    const choice = choices.get(index) ?? { content: '', refusal: '', calls: new Map(), legacy: undefined, finish: '' };
    choices.set(index, choice);
    return choice;
  }

  const inOrder = () => [...choices.entries()].sort(([a], [b]) => a - b).map(([, choice]) => choice);
  const text = () => inOrder().find((choice) => choice.content)?.content ?? '';
  // Some servers spread the calls over several choices; all of them count.
  const calls = () => inOrder().flatMap(callsOf);

  return {
    add(part) {
      if (part.model) model = part.model;
      if (part.usage) usage = usageOf(part.usage);
      for (const [i, { index, delta, message, finish_reason }] of (part.choices ?? []).entries()) {
        const choice = choiceAt(index ?? i);
        const piece = delta ?? message ?? {};
        addPiece(choice, piece);
        chars += charsOf(piece);
        if (finish_reason) choice.finish = finish_reason;
      }
    },
    text,
    calls,
    usage: () => usage,
    size: () => ({ calls: [...choices.values()].reduce((sum, choice) => sum + choice.calls.size, 0), chars }),
    isFinished: () =>
      inOrder().some(({ finish }) => finish !== '') &&
      inOrder().every((choice) => choice.finish !== '' || callsOf(choice).length === 0),
    build: () => ({
      content: text(),
      refusal: inOrder().find((choice) => choice.refusal)?.refusal ?? '',
      calls: calls(),
      finishReasons: inOrder().flatMap((choice) => (choice.finish ? [choice.finish] : [])),
      model,
      usage,
    }),
  };
}

function charsOf({ content, refusal, tool_calls, function_call }: Piece): number {
  const written = [
    content,
    refusal,
    function_call?.arguments,
    ...(tool_calls ?? []).map((call) => call.function?.arguments),
  ];
  return written.reduce((sum, text) => sum + (text?.length ?? 0), 0);
}

function addPiece(choice: Choice, piece: Piece): void {
  choice.content += piece.content ?? '';
  choice.refusal += piece.refusal ?? '';
  for (const [i, call] of (piece.tool_calls ?? []).entries()) addCall(choice, call, i);
  if (piece.function_call) {
    // The legacy format: one call per message, without an id.
    choice.legacy ??= { id: '', name: '', arguments: '' };
    choice.legacy.name += piece.function_call.name ?? '';
    choice.legacy.arguments += piece.function_call.arguments ?? '';
  }
}

function addCall(choice: Choice, piece: CallPiece, position: number): void {
  const key = piece.index ?? keyWithoutIndex(choice, piece, position);
  const call = choice.calls.get(key) ?? { id: '', name: '', arguments: '' };
  choice.calls.set(key, call);
  // The id and name come once, but some servers repeat them in every chunk.
  call.id ||= piece.id ?? '';
  call.name ||= piece.function?.name ?? '';
  call.arguments += piece.function?.arguments ?? '';
}

/** For servers that send no index: a chunk with a name starts a call, one without continues the last. */
function keyWithoutIndex(choice: Choice, piece: CallPiece, position: number): number {
  const last = choice.calls.size - 1;
  return piece.function?.name || last < 0 ? last + 1 : Math.max(last, position);
}

function callsOf(choice: Choice): RawCall[] {
  const calls = [...choice.calls.entries()].sort(([a], [b]) => a - b).map(([, call]) => call);
  return choice.legacy && calls.length === 0 ? [choice.legacy] : calls;
}

function usageOf(usage: NonNullable<WirePart['usage']>): Usage {
  return {
    inputTokens: usage.prompt_tokens ?? 0,
    outputTokens: usage.completion_tokens ?? 0,
    cachedTokens: usage.prompt_tokens_details?.cached_tokens ?? 0,
  };
}
