// Builds a model's answer from the chunks of a stream, or from a whole completion. Compatible servers may leave out any field;
// what they send is checked, because it comes from outside.
import { utf8Length } from '../../core/text.ts';
import type { Usage } from '../../core/types.ts';
import { NO_USAGE } from '../../core/usage.ts';
import { badAnswer } from './badAnswer.ts';

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

interface Choice {
  content: string;
  refusal: string;
  calls: Map<number, RawCall>;
  legacy: RawCall | undefined;
  finish: string;
}

export interface AnswerBuilder {
  /** Adds a chunk. Throws if it is none. */
  add(part: unknown): void;
  /** The text so far. */
  text(): string;
  calls(): RawCall[];
  /** Token usage, as far as the provider has reported it; mostly zero before the end. */
  usage(): Usage;
  /** Size so far, so that an endless stream can be stopped before it fills the memory. */
  size(): { readonly calls: number; readonly bytes: number };
  /** Whether a finish_reason came, and one for every choice with calls. Never true for a stream that was cut off. */
  isFinished(): boolean;
  build(): RawAnswer;
}

/** OpenAI's limit for `n`. */
const CHOICES_MAX = 128;
/** Of the name of a model, and of a finish_reason. */
const NAME_CHARS_MAX = 200;
/** No answer has as many. A count beyond it would use up every budget. */
const TOKENS_MAX = 1e9;

export function buildAnswer(): AnswerBuilder {
  const choices = new Map<number, Choice>();
  let model = '';
  let usage = NO_USAGE;
  let bytes = 0;

  function choiceAt(index: number): Choice {
    const choice = choices.get(index) ?? { content: '', refusal: '', calls: new Map(), legacy: undefined, finish: '' };
    choices.set(index, choice);
    if (choices.size > CHOICES_MAX) throw badAnswer(`The model answered with more than ${CHOICES_MAX} choices.`);
    return choice;
  }

  const inOrder = () => [...choices.entries()].sort(([a], [b]) => a - b).map(([, choice]) => choice);
  const text = () => inOrder().find((choice) => choice.content)?.content ?? '';
  // Some servers spread the calls over several choices; all of them count.
  const calls = () => inOrder().flatMap(callsOf);

  return {
    add(part) {
      const fields = fieldsOf(part);
      model = nameOf(fields['model']) || model;
      usage = usageOf(fields['usage']) ?? usage;
      for (const [i, given] of listOf(fields['choices'], 'choices').entries()) {
        const { index, delta, message, finish_reason: finish } = fieldsOf(given);
        const choice = choiceAt(indexOf(index) ?? i);
        bytes += addPiece(choice, fieldsOf(delta ?? message));
        choice.finish = nameOf(finish) || choice.finish;
      }
    },
    text,
    calls,
    usage: () => usage,
    size: () => ({ calls: [...choices.values()].reduce((sum, choice) => sum + choice.calls.size, 0), bytes }),
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

/** Returns the bytes that were added. */
function addPiece(choice: Choice, piece: Fields): number {
  const content = contentOf(piece['content']);
  const refusal = textOf(piece['refusal'], 'refusal');
  choice.content += content;
  choice.refusal += refusal;
  let bytes = utf8Length(content) + utf8Length(refusal);
  for (const [i, call] of listOf(piece['tool_calls'], 'tool_calls').entries())
    bytes += addCall(choice, fieldsOf(call), i);
  if (piece['function_call']) {
    // The legacy format: one call per message, without an id.
    choice.legacy ??= { id: '', name: '', arguments: '' };
    const { name, args } = functionOf(piece['function_call']);
    choice.legacy.name += name;
    choice.legacy.arguments += args;
    bytes += utf8Length(name) + utf8Length(args);
  }
  return bytes;
}

function addCall(choice: Choice, piece: Fields, position: number): number {
  const { name, args } = functionOf(piece['function']);
  const key = indexOf(piece['index']) ?? keyWithoutIndex(choice, name, position);
  const call = choice.calls.get(key) ?? { id: '', name: '', arguments: '' };
  choice.calls.set(key, call);
  // The id and name come once, but some servers repeat them in every chunk.
  const before = call.id.length + call.name.length;
  call.id ||= textOf(piece['id'], 'call id');
  call.name ||= name;
  call.arguments += args;
  return call.id.length + call.name.length - before + utf8Length(args);
}

/** For servers that send no index: a chunk with a name starts a call, one without continues the last. */
function keyWithoutIndex(choice: Choice, name: string, position: number): number {
  const last = choice.calls.size - 1;
  return name !== '' || last < 0 ? last + 1 : Math.max(last, position);
}

function callsOf(choice: Choice): RawCall[] {
  const calls = [...choice.calls.entries()].sort(([a], [b]) => a - b).map(([, call]) => call);
  return choice.legacy && calls.length === 0 ? [choice.legacy] : calls;
}

// ── What a server sent, checked ─────────────────────────────────────────────────────────────────────────────────────

type Fields = Readonly<Record<string, unknown>>;

/** The fields of an object; none of anything else. */
export function fieldsOf(given: unknown): Fields {
  return typeof given === 'object' && given !== null ? (given as Fields) : {};
}

export function listOf(given: unknown, field: string): readonly unknown[] {
  if (given === undefined || given === null) return [];
  if (Array.isArray(given)) return given;
  throw badAnswer(`The model's answer has ${field} that are not a list.`);
}

function textOf(given: unknown, field: string): string {
  if (given === undefined || given === null) return '';
  if (typeof given === 'string') return given;
  throw badAnswer(`The model's answer has a ${field} that is not text.`);
}

/** Some servers send a list of parts, of which those of other types, such as `thinking`, are not for the transcript. */
function contentOf(given: unknown): string {
  if (!Array.isArray(given)) return textOf(given, 'content');
  return given
    .map((part) => {
      const { type, text } = fieldsOf(part);
      if (typeof type !== 'string') throw badAnswer("The model's answer has a part of its content without a type.");
      return type === 'text' ? textOf(text, 'part of its content') : '';
    })
    .join('');
}

function functionOf(given: unknown): { readonly name: string; readonly args: string } {
  const { name, arguments: args } = fieldsOf(given);
  return { name: textOf(name, 'name of a call'), args: textOf(args, 'text of arguments') };
}

function nameOf(given: unknown): string {
  return typeof given === 'string' ? given.slice(0, NAME_CHARS_MAX) : '';
}

function indexOf(given: unknown): number | undefined {
  return Number.isSafeInteger(given) && (given as number) >= 0 ? (given as number) : undefined;
}

function usageOf(given: unknown): Usage | null {
  if (typeof given !== 'object' || given === null) return null;
  const { prompt_tokens: input, completion_tokens: output, prompt_tokens_details: details } = given as Fields;
  const inputTokens = tokensOf(input);
  return {
    inputTokens,
    outputTokens: tokensOf(output),
    cachedTokens: Math.min(inputTokens, tokensOf(fieldsOf(details)['cached_tokens'])),
  };
}

/** A count of tokens; 0 for what is none. */
function tokensOf(given: unknown): number {
  const tokens = indexOf(given) ?? 0;
  return tokens <= TOKENS_MAX ? tokens : 0;
}
