// Stores the images and files of a tool's result before the result is recorded.
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { ATTACHMENTS_MAX, RESULT_BYTES_MAX } from '../../core/limits.ts';
import { FAILURE } from '../../core/names.ts';
import { cutBytes, utf8Length } from '../../core/text.ts';
import type { Attachment, Effect, ToolCallResult } from '../../core/types.ts';
import type { AttachmentStore } from '../dependencies.ts';
import { attachmentsIn, madeLabel, type ToolAttachment } from './made.ts';

/**
 * The result with references to what it has. If the store does not take it, the call fails, so that another attempt may succeed; but
 * with the effect `once` there is none, and what the tool has done is done: then the text says what is missing.
 */
export async function keepAttachments(
  text: string,
  value: unknown,
  effect: Effect,
  store: AttachmentStore,
): Promise<ToolCallResult> {
  const made = attachmentsIn(value);
  if (made.length === 0) return { text };
  const attachments: Attachment[] = [];
  const lines: string[] = [];
  for (const [at, one] of made.entries()) {
    const problem = at >= ATTACHMENTS_MAX ? `left out: a result may have ${ATTACHMENTS_MAX}` : await keep(one);
    if (problem !== null) lines.push(madeLabel(one, problem));
    // A presenter may have left it out.
    else if (!text.includes(madeLabel(one))) lines.push(madeLabel(one));
  }
  const below = lines.length === 0 ? '' : `\n${lines.join('\n')}`;
  return {
    text: `${cutBytes(text, RESULT_BYTES_MAX - utf8Length(below))}${below}`,
    ...(attachments.length > 0 && { attachments }),
  };

  /** Returns why it was not kept; null if it was. */
  async function keep({ 'holdfast/attachment': attachment, bytes }: ToolAttachment): Promise<string | null> {
    try {
      const stored = bytes && { stored: await store.put(bytes, Context.current().cancellationSignal) };
      attachments.push({ ...attachment, ...stored });
      return null;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (effect === 'once') return `not kept: ${why}`;
      const message = `its result has an image or a file that could not be stored: ${why}`;
      throw ApplicationFailure.create({ message, type: FAILURE.tool, nonRetryable: !store.exists });
    }
  }
}
