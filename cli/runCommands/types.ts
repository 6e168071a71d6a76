// What a command about a run is: declared once, and made from here into a command of the command line and one of the chat.
import type { Holdfast, RunHandle } from '../../client/index.ts';
import type { SaidOptions } from '../connected.ts';

/** One thing that is typed after the command's name. */
export interface Parameter<Value> {
  /**
   * `argument`: in its place, on either side. `option`: `--name <placeholder>` on the command line, and in its place in a
   * chat. `setting`: an option that may be left out, and `name=value` in a chat.
   */
  readonly as: 'argument' | 'option' | 'setting';
  /** `message`; in a chat, `MESSAGE`. */
  readonly placeholder: string;
  readonly help: string;
  readonly isRequired: boolean;
  /** On the command line, `-` is what stdin has. */
  readonly readsStdin?: boolean;
  /** In a chat, one word, which may be left out where the next does not look like this; else it is all that follows. */
  readonly word?: RegExp;
  /** Throws a UsageError, or commander's InvalidArgumentError, for what makes no sense. */
  parse(text: string): Value;
}

/** In the order in which they are typed. */
export type Parameters<Values> = { readonly [Name in keyof Values]-?: Parameter<NonNullable<Values[Name]>> };

export interface Given {
  readonly holdfast: Holdfast;
  readonly handle: RunHandle;
  /** Who says so, and why. */
  readonly said: SaidOptions;
  /** Where the server is, for commands that are typed next. */
  readonly flags: string;
}

/** With an id, what is sent again is taken once. */
export interface GivenOnce extends Given {
  readonly messageId?: string;
}

export interface Outcome {
  readonly json: object;
  /** false: somebody else was first, and decided otherwise. */
  readonly counts: boolean;
  /** What the command line says; `id` is the run's, as it may be shown. */
  say(id: string): string | Promise<string>;
  /** What a chat says, where the session's own events do not. */
  readonly inChat?: string;
}

export interface RunCommand<Values> {
  readonly name: string;
  readonly description: string;
  readonly parameters: Parameters<Values>;
  /** What `--json` prints. */
  readonly json: string;
  /** Takes `--id` on the command line. */
  readonly isOnce?: boolean;
  /** Why a chat has it not. */
  readonly notInChat?: string;
  /** Where values fit each by itself and not together: what to type. */
  problem?(values: Values): string | null;
  carryOut(given: GivenOnce, values: Values): Promise<Outcome>;
}

/** A command as the table has it: what its values are is between its parameters and itself. */
export type AnyRunCommand = RunCommand<Record<string, unknown>>;

export function runCommand<Values>(command: RunCommand<Values>): AnyRunCommand {
  // Values come from the command's own parameters, which have parsed them.
  return command as unknown as AnyRunCommand;
}
