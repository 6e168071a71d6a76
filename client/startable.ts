// What can be started, checked before it is sent: the server's own answers to these name neither the limit nor the way out.
import { budgetProblem } from '../core/budget.ts';
import { count, utf8Length } from '../core/text.ts';
import type { RunInput } from '../core/types.ts';

/** The start cannot be carried out as it was asked for; the message says what is wrong with it. */
export class InvalidStart extends Error {
  override readonly name = 'InvalidStart';
}

/** A payload ends at 2 MiB, and as JSON a text may be twice its size. */
const INPUT_BYTES_MAX = 1024 * 1024;
/** Short enough for any server: the dev server's limit is 1,000, and a limit of 255 is common. */
const ID_CHARS_MAX = 255;

export function checkStart({ agent, input, session, budget }: RunInput, workflowId: string): void {
  if (agent === '') throw new InvalidStart('Say which agent to start.');
  // A session may begin with its first message.
  if (input.trim() === '' && !session) throw new InvalidStart(`There is nothing in the input to ask ${agent}.`);
  const problem = budget === undefined ? null : budgetProblem(budget);
  if (problem) throw new InvalidStart(problem);
  const bytes = utf8Length(input);
  if (bytes > INPUT_BYTES_MAX)
    throw new InvalidStart(
      `The input has ${count(bytes)} bytes; ${count(INPUT_BYTES_MAX)} are allowed. Let a tool read what is longer.`,
    );
  if (workflowId === '' || workflowId.length > ID_CHARS_MAX)
    throw new InvalidStart(`An id has 1 to ${ID_CHARS_MAX} characters; this one has ${count(workflowId.length)}.`);
}
