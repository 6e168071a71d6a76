// What can be started, checked before it is sent: the server's own answers to these name neither the limit nor the way out.
import { budgetProblem } from '../core/budget.ts';
import { utf8Length } from '../core/text.ts';
import type { RunInput } from '../core/types.ts';
import { InvalidStart } from './errors/errors.ts';

/** A payload ends at 2 MiB, and as JSON a text may be twice its size. */
const INPUT_BYTES_MAX = 1024 * 1024;
/** Short enough for any server: the dev server's limit is 1,000, and a limit of 255 is common. */
const ID_CHARS_MAX = 255;

export function checkStart({ agent, input, session, budget }: RunInput, workflowId: string): void {
  if (agent === '') throw new InvalidStart('agent_missing', {});
  // A session may begin with its first message.
  if (input.trim() === '' && !session) throw new InvalidStart('input_empty', { agent });
  const problem = budget === undefined ? null : budgetProblem(budget);
  if (problem) throw new InvalidStart('budget_invalid', { problem });
  const bytes = utf8Length(input);
  if (bytes > INPUT_BYTES_MAX) throw new InvalidStart('input_too_large', { bytes, bytesMax: INPUT_BYTES_MAX });
  if (workflowId === '' || workflowId.length > ID_CHARS_MAX)
    throw new InvalidStart('run_id_invalid', { id: workflowId, charsMax: ID_CHARS_MAX });
}
