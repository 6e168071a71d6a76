// Checks a start before it is sent: the server's own errors name neither the limit nor a way out.
import { isDeepStrictEqual } from 'node:util';
import { isAttachments } from '../core/attachments.ts';
import { budgetProblem } from '../core/budget.ts';
import { starterProblem } from '../core/deciders.ts';
import { labelsProblem } from '../core/labels.ts';
import { contextProblem } from '../core/runInput.ts';
import { utf8Length } from '../core/text.ts';
import type { RunInput } from '../core/types.ts';
import { InvalidStart } from './errors/errors.ts';

/** A payload may have 2 MiB, and text can double in size as JSON. */
const INPUT_BYTES_MAX = 1024 * 1024;
/** The dev server allows 1,000; other servers commonly allow 255. */
const ID_CHARS_MAX = 255;

export function checkStart(
  { agent, input, attachments, session, budget, context }: RunInput,
  workflowId: string,
  { labels, by }: { readonly labels?: unknown; readonly by?: unknown } = {},
): void {
  if (agent === '') throw new InvalidStart('agent_missing', {});
  // A session may get its first message later.
  if (input.trim() === '' && !session) throw new InvalidStart('input_empty', { agent });
  const invalid = attachmentsProblem(attachments, input);
  if (invalid) throw new InvalidStart('attachments_invalid', { problem: invalid });
  const problem = budget === undefined ? null : budgetProblem(budget);
  if (problem) throw new InvalidStart('budget_invalid', { problem });
  const wrong = context === undefined ? null : plainProblem(context);
  if (wrong) throw new InvalidStart('context_invalid', { problem: wrong });
  const mislabelled = labels === undefined ? null : labelsProblem(labels);
  if (mislabelled) throw new InvalidStart('labels_invalid', { problem: mislabelled });
  checkStarter(by);
  const bytes = utf8Length(input);
  if (bytes > INPUT_BYTES_MAX) throw new InvalidStart('input_too_large', { bytes, bytesMax: INPUT_BYTES_MAX });
  checkRunId(workflowId);
}

/** Who starts a run, if it is said. */
export function checkStarter(by: unknown): void {
  const problem = by === undefined ? null : starterProblem(by);
  if (problem) throw new InvalidStart('by_invalid', { problem });
}

export function checkRunId(id: string): void {
  if (id === '' || id.length > ID_CHARS_MAX) throw new InvalidStart('run_id_invalid', { id, charsMax: ID_CHARS_MAX });
}

function attachmentsProblem(attachments: RunInput['attachments'], input: string): string | null {
  if (attachments === undefined) return null;
  if (attachments.length > 0 && input.trim() === '') return 'attachments need an input beside them.';
  return isAttachments(attachments, 'attachments');
}

/** Returns why the context is not a small JSON object; null if it is. */
function plainProblem(context: unknown): string | null {
  try {
    // What Temporal's converter sends. A Date, for example, would arrive as a text.
    if (isDeepStrictEqual(JSON.parse(JSON.stringify(context)), context)) return contextProblem(context);
  } catch {
    // A cycle, a bigint or undefined.
  }
  return 'context must be a plain JSON object, such as { tenant: "acme" }: no dates, classes, functions or undefined.';
}
