// What a tool returns if it needs a person's answer before it can continue.
import { INPUT } from '../../core/limits.ts';
import { cutBytes, utf8Length } from '../../core/text.ts';
import type { NeededInput } from '../../core/types.ts';
import { ToolError } from './toolError.ts';

/** Made by `needsInput`, and returned by a tool's `run`. */
export class InputNeeded implements NeededInput {
  readonly question: string;
  readonly state: string;

  constructor({ question, state }: NeededInput) {
    this.question = question;
    this.state = state;
  }
}

/**
 * Returned by a tool that needs a person's answer. The call waits in the inbox, for weeks if need be and without a process; then `run`
 * is called again with the answer and the state in `ctx.answer`. The idempotency key stays the same. What the tool has done before it
 * asked is not undone, so ask before you do anything.
 *
 * ```ts
 * if (!ctx.answer) return needsInput('Which of the two accounts?', JSON.stringify(accounts));
 * ```
 */
export function needsInput(question: string, state = ''): InputNeeded {
  if (typeof question !== 'string' || question.trim() === '')
    throw new ToolError('needsInput needs a question for the person.');
  if (typeof state !== 'string' || utf8Length(state) > INPUT.stateBytesMax)
    throw new ToolError(`The state of needsInput must be a text of at most ${INPUT.stateBytesMax} bytes.`);
  return new InputNeeded({
    question: cutBytes(question.toWellFormed(), INPUT.questionBytesMax),
    state: state.toWellFormed(),
  });
}
