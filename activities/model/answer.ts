// Builds a model's answer from the chunks of a stream, or from a whole completion. Compatible servers may leave out any field;
// what they send is checked, because it comes from outside.
import { jsonBytes, utf8Length } from '../../core/text.ts';
import type { Usage } from '../../core/types.ts';
import { NO_USAGE } from '../../core/usage.ts';
import { CONTENT_PARTS, type PlacedPart } from '../../core/wire/contentParts.ts';
import { type Fields, fieldsOf } from '../../core/wire/fields.ts';
import { badAnswer } from './badAnswer.ts';
import { type GrowingCall, type GrowingCalls, growingCalls } from './growingCalls.ts';
import { type GrowingText, growingText } from './growingText.ts';
import { addBlock, type Extra, joinExtra } from './joinExtra.ts';
import { extraOfCall, extraOfMessage } from './providerData.ts';

/** A call as the model wrote it, not yet validated. */
export interface RawCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
  readonly extra?: Extra;
}

export interface RawAnswer {
  content: string;
  refusal: string;
  calls: RawCall[];
  /** One for each choice that has one. */
  finishReasons: string[];
  /** What the first choice with any has beside text and calls. */
  extra?: Extra;
  model: string;
  usage: Usage;
}

interface Choice {
  readonly content: GrowingText;
  readonly refusal: GrowingText;
  /** What the model thought, as far as the provider shows it. */
  readonly reasoning: GrowingText;
  readonly calls: GrowingCalls;
  /** The call of the format before `tool_calls`: one per message, without an id. */
  readonly legacy: GrowingCalls;
  extra: Extra | undefined;
  /** What the content has beside text, in places of the text: those of one place together. */
  readonly parts: PartsAt[];
  finish: string;
}

interface PartsAt {
  readonly at: number;
  readonly parts: Fields[];
}

export interface AnswerBuilder {
  /** Adds a chunk. Throws if it is none. */
  add(part: unknown): void;
  /** The text, the reasoning and the calls so far. */
  written(): { readonly text: GrowingText; readonly reasoning: GrowingText; readonly calls: readonly GrowingCall[] };
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

/** `tools`: the names that the model may call. */
export function buildAnswer(tools?: ReadonlySet<string>): AnswerBuilder {
  const choices = new Map<number, Choice>();
  let model = '';
  let usage = NO_USAGE;
  let bytes = 0;
  let callCount = 0;

  function choiceAt(index: number): Choice {
    const choice = choices.get(index) ?? newChoice(tools);
    choices.set(index, choice);
    if (choices.size > CHOICES_MAX) throw badAnswer(`The model answered with more than ${CHOICES_MAX} choices.`);
    return choice;
  }

  const inOrder = () => [...choices.entries()].sort(([a], [b]) => a - b).map(([, choice]) => choice);
  const first = (field: 'content' | 'refusal' | 'reasoning') =>
    inOrder().find((choice) => choice[field].length > 0)?.[field] ?? growingText();
  // Some servers spread the calls over several choices; all of them count.
  const calls = () => inOrder().flatMap(callsOf);

  return {
    add(part) {
      const fields = fieldsOf(part);
      model = nameOf(fields['model']) || model;
      usage = usageOf(fields['usage']) ?? usage;
      for (const [i, given] of listOf(fields['choices'], 'choices').entries()) {
        const { index, delta, message, thought, finish_reason: finish } = fieldsOf(given);
        const choice = choiceAt(indexOf(index) ?? i);
        const callsBefore = choice.calls.count;
        bytes += addPiece(choice, fieldsOf(delta ?? message)) + addThought(choice, thought);
        callCount += choice.calls.count - callsBefore;
        choice.finish = nameOf(finish) || choice.finish;
      }
    },
    written: () => ({ text: first('content'), reasoning: first('reasoning'), calls: calls() }),
    usage: () => usage,
    size: () => ({ calls: callCount, bytes }),
    isFinished: () =>
      inOrder().some(({ finish }) => finish !== '') &&
      inOrder().every((choice) => choice.finish !== '' || callsOf(choice).length === 0),
    build: () => ({
      content: first('content').whole(),
      refusal: first('refusal').whole(),
      calls: calls().map(({ id, name, arguments: args, extra }) => ({
        id,
        name,
        arguments: args.whole(),
        ...(extra && { extra }),
      })),
      ...extraOf(inOrder()),
      finishReasons: inOrder().flatMap((choice) => (choice.finish ? [choice.finish] : [])),
      model,
      usage,
    }),
  };
}

function newChoice(tools: ReadonlySet<string> | undefined): Choice {
  return {
    content: growingText(),
    refusal: growingText(),
    reasoning: growingText(),
    calls: growingCalls(tools),
    legacy: growingCalls(tools),
    extra: undefined,
    parts: [],
    finish: '',
  };
}

function extraOf(choices: readonly Choice[]): { readonly extra?: Extra } {
  const choice = choices.find(({ extra, parts }) => extra || parts.length > 0);
  if (!choice) return {};
  const placed = choice.parts.flatMap(({ at, parts }) => parts.map((part): PlacedPart => ({ at, part })));
  return { extra: { ...choice.extra, ...(placed.length > 0 && { [CONTENT_PARTS]: placed }) } };
}

/** Returns the bytes that were added. */
function addPiece(choice: Choice, piece: Fields): number {
  const refusal = textOf(piece['refusal'], 'refusal');
  let bytes = addContent(choice, piece['content']) + utf8Length(refusal);
  choice.refusal.add(refusal);
  const extra = extraOfMessage(piece);
  // Counted with the fields beside text and calls, among which it is kept.
  addThought(choice, piece['reasoning_content'] ?? piece['reasoning']);
  choice.extra = joinExtra(choice.extra, extra);
  bytes += extra ? jsonBytes(extra) : 0;
  for (const [position, given] of listOf(piece['tool_calls'], 'tool_calls').entries()) {
    const { index, id, function: called } = fieldsOf(given);
    const extra = extraOfCall(fieldsOf(given));
    const call = { index: callIndexOf(index), id: textOf(id, 'call id'), ...functionOf(called), extra };
    bytes += choice.calls.add(call, position);
  }
  if (piece['function_call'])
    bytes += choice.legacy.add({ index: 0, id: '', ...functionOf(piece['function_call']), extra: undefined }, 0);
  return bytes;
}

/** Adds a text, or the parts of a list, of which those that are no text are kept as they came. Returns the bytes that were added. */
function addContent(choice: Choice, given: unknown): number {
  if (!Array.isArray(given)) return addText(choice, textOf(given, 'content'));
  let bytes = 0;
  let place = placeFor(choice);
  let ended = place.parts.length;
  for (const part of given) {
    const fields = fieldsOf(part);
    const { type, text, thinking } = fields;
    if (typeof type !== 'string') throw badAnswer("The model's answer has a part of its content without a type.");
    if (type === 'text') {
      bytes += addText(choice, textOf(text, 'part of its content'));
      continue;
    }
    if (place.at !== choice.content.length) {
      place = placeFor(choice);
      ended = 0;
    }
    if (place.parts.length === 0) choice.parts.push(place);
    addBlock(place.parts, fields, ended);
    addThought(choice, textsIn(thinking));
    bytes += jsonBytes(part);
  }
  return bytes;
}

/** Where a part is kept that comes now. */
function placeFor({ content, parts }: Choice): PartsAt {
  const last = parts.at(-1);
  return last?.at === content.length ? last : { at: content.length, parts: [] };
}

function addText(choice: Choice, text: string): number {
  choice.content.add(text);
  return utf8Length(text);
}

/** Mistral's thinking is a list of parts, Anthropic's a text. */
function textsIn(given: unknown): unknown {
  return Array.isArray(given) ? given.map((part) => fieldsOf(part)['text'] ?? '').join('') : given;
}

/** Returns the bytes that were added. */
function addThought(choice: Choice, thought: unknown): number {
  if (typeof thought !== 'string') return 0;
  choice.reasoning.add(thought);
  return utf8Length(thought);
}

function callsOf(choice: Choice): readonly GrowingCall[] {
  return choice.calls.all.length > 0 ? choice.calls.all : choice.legacy.all;
}

// ── What a server sent, checked ─────────────────────────────────────────────────────────────────────────────────────

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

function functionOf(given: unknown): { readonly name: string; readonly args: string } {
  const { name, arguments: args } = fieldsOf(given);
  return { name: textOf(name, 'name of a call'), args: argumentsOf(args) };
}

/** Some servers send the object itself. */
function argumentsOf(given: unknown): string {
  const isObject = typeof given === 'object' && given !== null && !Array.isArray(given);
  return isObject ? JSON.stringify(given) : textOf(given, 'text of arguments');
}

function nameOf(given: unknown): string {
  return typeof given === 'string' ? given.slice(0, NAME_CHARS_MAX) : '';
}

function indexOf(given: unknown): number | undefined {
  return Number.isSafeInteger(given) && (given as number) >= 0 ? (given as number) : undefined;
}

/** Some servers send the number of a call as a text. */
function callIndexOf(given: unknown): number | undefined {
  return indexOf(typeof given === 'string' && /^\d+$/.test(given) ? Number(given) : given);
}

function usageOf(given: unknown): Usage | null {
  if (typeof given !== 'object' || given === null) return null;
  const {
    prompt_tokens: input,
    completion_tokens: output,
    prompt_tokens_details: details,
    completion_tokens_details: outputDetails,
  } = given as Fields;
  const inputTokens = tokensOf(input);
  const outputTokens = tokensOf(output);
  const reasoningTokens = Math.min(outputTokens, tokensOf(fieldsOf(outputDetails)['reasoning_tokens']));
  return {
    inputTokens,
    outputTokens,
    cachedTokens: Math.min(inputTokens, tokensOf(fieldsOf(details)['cached_tokens'])),
    ...(reasoningTokens > 0 && { reasoningTokens }),
  };
}

/** A count of tokens; 0 for what is none. */
function tokensOf(given: unknown): number {
  const tokens = indexOf(given) ?? 0;
  return tokens <= TOKENS_MAX ? tokens : 0;
}
