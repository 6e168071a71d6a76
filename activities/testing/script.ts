// What a script is: a stand-in for the model that answers from the transcript it is sent.
import type { Message } from '../../core/types.ts';
import type { AskedFormat } from './validation/validateFormat.ts';

/** What the script sees: the request as any model would, and what can be read from it. */
export interface ScriptedRequest {
  readonly agent: string;
  /**
   * Which answer this is: 1 for the first, counted from the transcript, so that no crash can lose count. Turns in the
   * place of which a summary or note stands count as well.
   */
  readonly turn: number;
  /**
   * How often this server has been sent exactly this transcript: 1 for the first time. It is there to play faults that
   * pass (`attempt <= 2 ? { fault: 'hang' } : 'Hello.'`) and for nothing else: it is lost with the process, and two runs
   * that were asked the same share it.
   */
  readonly attempt: number;
  /** The last thing that the user said. */
  readonly input: string;
  readonly messages: readonly Message[];
  /** The answers to the calls of the last turn, in their order; JSON is parsed. Empty where the last turn made none. */
  readonly results: readonly { readonly tool: string; readonly result: unknown }[];
  /** The tools that the request offers, by name. */
  readonly tools: readonly string[];
  /** The schema that the answer was asked to fit; null where none was sent. */
  readonly format: AskedFormat | null;
}

/**
 * A function of the request, or a list with one answer a turn. A list that runs out fails with the turn's number.
 *
 * ```ts
 * const script: Script = [
 *   { calls: [{ tool: 'get_time', arguments: { city: 'Oslo' } }] },
 *   ({ results }) => `It is ${JSON.stringify(results[0]?.result)}.`,
 * ];
 * ```
 */
export type Script = ScriptFunction | readonly (ScriptedAnswer | ScriptFunction)[];

/** A pure function, please: a retry after a crash asks again and must get the same answer. */
export type ScriptFunction = (request: ScriptedRequest) => ScriptedAnswer | Promise<ScriptedAnswer>;

/** A text is a final answer; a message may ask for tools; several choices are rare; a fault is a model that misbehaves. */
export type ScriptedAnswer = string | ScriptedMessage | ScriptedChoices | ScriptedFault;

/** What the model says: calls ask for tools, with or without a text before them. */
export interface ScriptedMessage extends Pace {
  readonly text?: string;
  /** Said as JSON, in place of `text`: the answer of an agent with an `output`. */
  readonly value?: unknown;
  readonly calls?: readonly ScriptedCall[];
  /** The model declines, in these words. */
  readonly refusal?: string;
  /** The single call of older models, before there were tools. */
  readonly functionCall?: { readonly tool: string; readonly arguments?: unknown };
  /** Follows from the message when not said. `length`, `content_filter`, or one that contradicts the message. */
  readonly finishReason?: string;
}

/** Several choices in one response. Some servers spread the calls of a turn over them. */
export interface ScriptedChoices extends Pace {
  readonly choices: readonly Omit<ScriptedMessage, keyof Pace>[];
}

export interface ScriptedCall {
  readonly tool: string;
  /** An object; or a text, sent as it is, to play a model that writes bad JSON. Empty arguments when not said. */
  readonly arguments?: unknown;
  /** `call_<turn>_<slot>` when not said. Any text is sent as it is (empty, double, too long); null sends none. */
  readonly id?: string | null;
}

/** How slowly one answer comes, where it differs from the server's own delays. */
export interface Pace {
  /** Before the first token. */
  readonly delayMs?: number;
  /** Before each further chunk of a stream. */
  readonly chunkDelayMs?: number;
}

/** A model, or what stands between it and its caller, that misbehaves. */
export type ScriptedFault = HttpFault | EmptyFault | BrokenMessage;

/** Any HTTP error: `{ fault: 'status', status: 429, headers: { 'retry-after': '2' } }`. */
export interface HttpFault {
  readonly fault: 'status';
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A text is sent as it is, anything else as JSON; an error object as OpenAI's when not said. */
  readonly body?: unknown;
}

export interface EmptyFault {
  /**
   * - `hang`: no answer ever, not even headers
   * - `headersOnly`: status 200 and headers, then nothing
   * - `html`: a web page with status 200, as a gateway's login page
   * - `errorWith200`: an error object as JSON with status 200
   * - `emptyChoices`: a response in which nobody answers
   * - `emptyMessage`: null content and no calls
   */
  readonly fault: 'hang' | 'headersOnly' | 'html' | 'errorWith200' | 'emptyChoices' | 'emptyMessage';
}

/** A message that does not get through whole. */
export interface BrokenMessage extends ScriptedMessage {
  /**
   * - `stall`: the stream stops in the middle and stays open
   * - `reset`: the connection is destroyed in the middle
   * - `errorInStream`: an error object comes in the middle of the stream
   * - `noEnd`: the stream ends in good order, but without finish_reason and [DONE]
   * - `notStreamed`: one JSON body, although a stream was asked for
   *
   * Where no stream was asked for, it is the JSON body that breaks off.
   */
  readonly fault: 'stall' | 'reset' | 'errorInStream' | 'noEnd' | 'notStreamed';
  /** Chunks that get through, the one with the role included. Half when not said; for `noEnd`, all but the last. */
  readonly afterChunks?: number;
}
