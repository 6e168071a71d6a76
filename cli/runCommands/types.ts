// A run command: declared once, for the command line and for the chat.
import type { Holdfast, RunHandle } from '../../client/index.ts';
import type { Author } from '../connected.ts';

/** A parameter typed after the command's name. */
export interface Parameter<Value> {
  /**
   * `argument`: positional. `option`: `--name <placeholder>` on the command line, positional in a chat. `setting`: an
   * optional `--name <placeholder>`, and `name=value` in a chat.
   */
  readonly as: 'argument' | 'option' | 'setting';
  /** Lower case; shown in upper case in a chat. */
  readonly placeholder: string;
  readonly help: string;
  readonly isRequired: boolean;
  /** On the command line, `-` reads stdin. */
  readonly readsStdin?: boolean;
  /** In a chat, takes one word if it matches this, else nothing. Without it, the parameter takes the rest of the line. */
  readonly word?: RegExp;
  /** Throws a UsageError, or commander's InvalidArgumentError, for invalid text. */
  parse(text: string): Value;
}

/** In the order of typing. */
export type Parameters<Values> = { readonly [Name in keyof Values]-?: Parameter<NonNullable<Values[Name]>> };

/** The run that a command is sent to, and who sends it. */
export interface CommandContext {
  readonly holdfast: Holdfast;
  readonly handle: RunHandle;
  readonly author: Author;
  /** Of who decides. */
  readonly roles?: readonly string[];
  /** Connection options to repeat in suggested commands. */
  readonly flags: string;
}

/** With an id, a command that is sent again takes effect once. */
export interface CommandContextWithId extends CommandContext {
  readonly messageId?: string;
}

export interface CommandResult {
  readonly json: object;
  /** False if another decision came first. */
  readonly isAccepted: boolean;
  /** Text for the command line; `id` is the run's id, safe to print. */
  text(id: string): string | Promise<string>;
  /** Text for a chat, if the session's own events do not show the result. */
  readonly chatText?: string;
}

export interface RunCommand<Values> {
  readonly name: string;
  readonly description: string;
  readonly parameters: Parameters<Values>;
  /** Help of `--json`. */
  readonly json: string;
  /** Takes `--id` on the command line. */
  readonly takesMessageId?: boolean;
  /** Takes `--role` on the command line. */
  readonly takesRoles?: boolean;
  /** Why the chat does not have the command. */
  readonly notInChat?: string;
  /** Checks the values together; returns what to type, or null. */
  problem?(values: Values): string | null;
  execute(given: CommandContextWithId, values: Values): Promise<CommandResult>;
}

/** A command in the table, without the type of its values. */
export type AnyRunCommand = RunCommand<Record<string, unknown>>;

export function runCommand<Values>(command: RunCommand<Values>): AnyRunCommand {
  // The values come from the command's own parameters, which parsed them.
  return command as unknown as AnyRunCommand;
}
