// What a script is: a stand-in for the model that answers from the transcript it is sent.
import type { Message } from '../../core/types.ts';

/** What the script sees: the request as any model would, and what can be read from it. */
export interface ScriptedRequest {
  /** Which answer this is: 1 for the first, counted from the transcript, so that no crash can lose count. */
  readonly turn: number;
  /** The last thing that the user said. */
  readonly input: string;
  readonly messages: readonly Message[];
  /** The answers to the calls of the last turn, in their order; JSON is parsed. Empty where the last turn made none. */
  readonly results: readonly { readonly tool: string; readonly result: unknown }[];
  /** The tools that the request offers, by name. */
  readonly tools: readonly string[];
}

export interface ScriptedCall {
  readonly tool: string;
  /** An object; or a text, sent as it is, to play a model that writes bad JSON. */
  readonly arguments?: unknown;
  readonly id?: string;
}

/** A text is a final answer; calls ask for tools, with or without a text before them. */
export type ScriptedAnswer = string | { readonly text?: string; readonly calls?: readonly ScriptedCall[] };

/** A function of the request, or a list with one answer a turn. A list that runs out fails with the turn's number. */
export type Script = ((request: ScriptedRequest) => ScriptedAnswer) | readonly ScriptedAnswer[];
