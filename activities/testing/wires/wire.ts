// What a provider's server does otherwise than OpenAI's. Each wire is one such description; OpenAI's form is what it leaves out.
import type { ApiProblem } from '../apiError.ts';
import type { WireShape } from './shape.ts';

export interface Wire {
  readonly shape?: WireShape;
  /** What it refuses, in the order in which it looks. They come before the rules that all servers have in common. */
  readonly rules?: readonly WireRule[];
  /** The body of an error. @default OpenAI's */
  readonly error?: (problem: ApiProblem) => unknown;
  /** The last event of a stream in which an error occurs. @default the body of the error */
  readonly errorInStream?: (problem: ApiProblem) => unknown;
  /** Types of parts, beside text, that the content of its answers has, and which it takes back. */
  readonly partTypes?: readonly string[];
  /** Its Responses API, whose answers are in OpenAI's form. @default none: the path is not found */
  readonly responses?: WireResponses;
  /** Ids of calls that are longer are refused. @default unlimited */
  readonly callIdCharsMax?: number;
}

export interface WireResponses {
  /** What it refuses, in the words of Chat Completions. */
  readonly rules?: readonly WireRule[];
  /** Whether it gives reasoning in a form that it reads again. */
  readonly keepsReasoning: boolean;
}

/** A message as it was sent, unchecked. */
export interface RawMessage extends Readonly<Record<string, unknown>> {
  readonly role?: unknown;
  readonly content?: unknown;
  readonly tool_call_id?: unknown;
  readonly tool_calls?: unknown;
}

export interface WireRequest {
  readonly body: Readonly<Record<string, unknown>>;
  readonly messages: readonly RawMessage[];
  /** With the query. */
  readonly url: URL;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** Returns what is wrong with the request; null if nothing is. */
export type WireRule = (request: WireRequest) => ApiProblem | null;

/** The calls of a message; none if it is no answer. */
export function callsOf({ tool_calls: calls }: RawMessage): readonly RawCall[] {
  return Array.isArray(calls) ? calls : [];
}

/** The types of the parts of a message; none if its content is a text. */
export function partTypesOf({ content }: RawMessage): readonly unknown[] {
  return Array.isArray(content) ? content.map((part) => part?.type) : [];
}

export interface RawCall {
  readonly id?: unknown;
  readonly function?: { readonly name?: unknown };
  readonly extra_content?: { readonly google?: { readonly thought_signature?: unknown } };
}
