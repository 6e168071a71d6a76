// The types of scripts, which play the model: they compute each answer from the transcript of the request.
import type { Message } from '../../core/types.ts';
import type { AskedFormat } from './validation/validateFormat.ts';

/** The request as a model would receive it, and facts derived from it. */
export interface ScriptedRequest {
  readonly agent: string;
  /**
   * Number of the turn, from 1. Counted from the transcript, so no crash can lose it. Includes turns that a summary or note
   * has replaced.
   */
  readonly turn: number;
  /**
   * How often this server has received exactly this transcript, from 1. Use it only to simulate temporary faults, as in
   * `attempt <= 2 ? { fault: 'hang' } : 'Hello.'`: it is lost with the process, and two runs with the same input share it.
   */
  readonly attempt: number;
  /** The last message of the user. */
  readonly input: string;
  readonly messages: readonly Message[];
  /** Results of the last turn's calls, in the order of the calls; JSON is parsed. Empty if the last turn had no calls. */
  readonly results: readonly { readonly tool: string; readonly result: unknown }[];
  /** Names of the tools in the request. */
  readonly tools: readonly string[];
  /** The schema in `response_format`; null if there is none. */
  readonly format: AskedFormat | null;
}

/**
 * A function of the request, or a list with one answer per turn. A list that runs out fails with the turn's number.
 *
 * ```ts
 * const script: Script = [
 *   { calls: [{ tool: 'get_time', arguments: { city: 'Oslo' } }] },
 *   ({ results }) => `It is ${JSON.stringify(results[0]?.result)}.`,
 * ];
 * ```
 */
export type Script = ScriptFunction | readonly (ScriptedAnswer | ScriptFunction)[];

/** Must be pure: a retry after a crash has to get the same answer. */
export type ScriptFunction = (request: ScriptedRequest) => ScriptedAnswer | Promise<ScriptedAnswer>;

/** A text (a final answer), a message (which may have calls), several choices (rare), or a fault. */
export type ScriptedAnswer = string | ScriptedMessage | ScriptedChoices | ScriptedFault;

/** An answer of the model: text, calls, or both. */
export interface ScriptedMessage extends Pace {
  readonly text?: string;
  /** Sent as JSON instead of `text`: the answer of an agent with an `output`. */
  readonly value?: unknown;
  readonly calls?: readonly ScriptedCall[];
  /** The text with which the model declines to answer. */
  readonly refusal?: string;
  /** A call in the legacy format, one per message. */
  readonly functionCall?: { readonly tool: string; readonly arguments?: unknown };
  /** The tokens that the answer says it took. @default an estimate by length */
  readonly usage?: {
    readonly inputTokens: number;
    readonly outputTokens: number;
    readonly cachedTokens?: number;
    readonly reasoningTokens?: number;
  };
  /** For example `length` or `content_filter`. It may contradict the message. @default derived from the message */
  readonly finishReason?: string;
}

/** Several choices in one response. Some servers spread the calls of a turn over them. */
export interface ScriptedChoices extends Pace {
  readonly choices: readonly Omit<ScriptedMessage, keyof Pace>[];
}

export interface ScriptedCall {
  readonly tool: string;
  /** An object; or a text, sent unchanged, to simulate a model that writes invalid JSON. @default {} */
  readonly arguments?: unknown;
  /** Any text is sent unchanged, even if empty, duplicate or too long; null sends no id. @default `call_<turn>_<slot>`, or one as of the wire */
  readonly id?: string | null;
}

/** Delays of one answer. @default the server's delays */
export interface Pace {
  /** Before the first token. */
  readonly delayMs?: number;
  /** Before each further chunk of a stream. */
  readonly chunkDelayMs?: number;
}

/** A fault of the model, or of the network or a gateway on the way to it. */
export type ScriptedFault = HttpFault | EmptyFault | BrokenMessage;

/** Any HTTP error: `{ fault: 'status', status: 429, headers: { 'retry-after': '2' } }`. */
export interface HttpFault {
  readonly fault: 'status';
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A text is sent unchanged, anything else as JSON. @default an error object like OpenAI's */
  readonly body?: unknown;
}

export interface EmptyFault {
  /**
   * - `hang`: no answer ever, not even headers
   * - `headersOnly`: status 200 and headers, then nothing
   * - `html`: a web page with status 200, like a gateway's login page
   * - `errorWith200`: an error object as JSON with status 200
   * - `emptyChoices`: a response without choices
   * - `emptyMessage`: null content and no calls
   */
  readonly fault: 'hang' | 'headersOnly' | 'html' | 'errorWith200' | 'emptyChoices' | 'emptyMessage';
}

/** A message that is not delivered completely. */
export interface BrokenMessage extends ScriptedMessage {
  /**
   * - `stall`: the stream stops in the middle and stays open
   * - `reset`: the connection is destroyed in the middle
   * - `errorInStream`: an error object comes in the middle of the stream
   * - `noEnd`: the stream ends properly, but without finish_reason and [DONE]
   * - `notStreamed`: one JSON body, although a stream was requested
   *
   * If no stream was requested, the JSON body breaks off instead.
   */
  readonly fault: 'stall' | 'reset' | 'errorInStream' | 'noEnd' | 'notStreamed';
  /** Of `errorInStream`: what the error would have as its HTTP status. @default 500 */
  readonly status?: number;
  /** Chunks that are delivered, including the one with the role. @default half; for `noEnd`, all but the last */
  readonly afterChunks?: number;
}
