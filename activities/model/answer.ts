// Builds a model's answer from the chunks of a stream, or from a whole completion. Compatible servers may leave out any field;
// what they send is checked, because it comes from outside.
import { utf8Length } from '../../core/text.ts';
import type { Usage } from '../../core/types.ts';
import { NO_USAGE } from '../../core/usage.ts';
import { badAnswer } from './badAnswer.ts';

/** A call as the model wrote it, not yet validated. */
export interface RawCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
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

/** Text that grows. Its end is read at each heartbeat, which must not cost what the whole text is long. */
export interface GrowingText {
  readonly length: number;
  add(piece: string): void;
  /** The last characters. */
  end(chars: number): string;
  whole(): string;
}

export interface GrowingCall {
  id: string;
  name: string;
  readonly arguments: GrowingText;
}

interface Choice {
  readonly content: GrowingText;
  readonly refusal: GrowingText;
  readonly calls: Map<number, GrowingCall>;
  legacy: GrowingCall | undefined;
  finish: string;
}

export interface AnswerBuilder {
  /** Adds a chunk. Throws if it is none. */
  add(part: unknown): void;
  /** The text and the calls so far. */
  written(): { readonly text: GrowingText; readonly calls: readonly GrowingCall[] };
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
  let callCount = 0;

  function choiceAt(index: number): Choice {
    const choice = choices.get(index) ?? newChoice();
    choices.set(index, choice);
    if (choices.size > CHOICES_MAX) throw badAnswer(`The model answered with more than ${CHOICES_MAX} choices.`);
    return choice;
  }

  const inOrder = () => [...choices.entries()].sort(([a], [b]) => a - b).map(([, choice]) => choice);
  const first = (field: 'content' | 'refusal') =>
    inOrder().find((choice) => choice[field].length > 0)?.[field] ?? growingText();
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
        const callsBefore = choice.calls.size;
        bytes += addPiece(choice, fieldsOf(delta ?? message));
        callCount += choice.calls.size - callsBefore;
        choice.finish = nameOf(finish) || choice.finish;
      }
    },
    written: () => ({ text: first('content'), calls: calls() }),
    usage: () => usage,
    size: () => ({ calls: callCount, bytes }),
    isFinished: () =>
      inOrder().some(({ finish }) => finish !== '') &&
      inOrder().every((choice) => choice.finish !== '' || callsOf(choice).length === 0),
    build: () => ({
      content: first('content').whole(),
      refusal: first('refusal').whole(),
      calls: calls().map((call) => ({ ...call, arguments: call.arguments.whole() })),
      finishReasons: inOrder().flatMap((choice) => (choice.finish ? [choice.finish] : [])),
      model,
      usage,
    }),
  };
}

function growingText(): GrowingText {
  const pieces: string[] = [];
  let length = 0;
  return {
    get length() {
      return length;
    },
    add(piece) {
      if (piece === '') return;
      pieces.push(piece);
      length += piece.length;
    },
    end(chars) {
      let from = pieces.length;
      for (let found = 0; from > 0 && found < chars; from--) found += pieces[from - 1]!.length;
      const last = pieces.slice(from).join('');
      return last.slice(Math.max(0, last.length - chars));
    },
    whole: () => pieces.join(''),
  };
}

function newChoice(): Choice {
  return { content: growingText(), refusal: growingText(), calls: new Map(), legacy: undefined, finish: '' };
}

function newCall(): GrowingCall {
  return { id: '', name: '', arguments: growingText() };
}

/** Returns the bytes that were added. */
function addPiece(choice: Choice, piece: Fields): number {
  const content = contentOf(piece['content']);
  const refusal = textOf(piece['refusal'], 'refusal');
  choice.content.add(content);
  choice.refusal.add(refusal);
  let bytes = utf8Length(content) + utf8Length(refusal);
  for (const [i, call] of listOf(piece['tool_calls'], 'tool_calls').entries())
    bytes += addCall(choice, fieldsOf(call), i);
  if (piece['function_call']) {
    // The legacy format: one call per message, without an id.
    choice.legacy ??= newCall();
    const { name, args } = functionOf(piece['function_call']);
    choice.legacy.name += name;
    choice.legacy.arguments.add(args);
    bytes += utf8Length(name) + utf8Length(args);
  }
  return bytes;
}

function addCall(choice: Choice, piece: Fields, position: number): number {
  const { name, args } = functionOf(piece['function']);
  const key = indexOf(piece['index']) ?? keyWithoutIndex(choice, name, position);
  const call = choice.calls.get(key) ?? newCall();
  choice.calls.set(key, call);
  // The id and name come once, but some servers repeat them in every chunk.
  const before = call.id.length + call.name.length;
  call.id ||= textOf(piece['id'], 'call id');
  call.name ||= name;
  call.arguments.add(args);
  return call.id.length + call.name.length - before + utf8Length(args);
}

/** For servers that send no index: a chunk with a name starts a call, one without continues the last. */
function keyWithoutIndex(choice: Choice, name: string, position: number): number {
  const last = choice.calls.size - 1;
  return name !== '' || last < 0 ? last + 1 : Math.max(last, position);
}

function callsOf(choice: Choice): GrowingCall[] {
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
