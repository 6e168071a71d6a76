// Stores the images and files of a tool's result before the result is recorded.
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { ATTACHMENTS_BYTES_MAX, ATTACHMENTS_MAX, RESULT_BYTES_MAX, STORE_RETRY_MS } from '../../core/limits.ts';
import { FAILURE } from '../../core/names.ts';
import { cutBytes, jsonBytes, utf8Length } from '../../core/text.ts';
import type { Attachment, Effect, ToolCallResult } from '../../core/types.ts';
import type { AttachmentStore } from '../dependencies.ts';
import { attachmentsIn, madeLabel, TextResult, type ToolAttachment } from './made.ts';

const BRACKETS_BYTES = 2;

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
  const kept = await Promise.all(
    made.map((one, at) => (at < ATTACHMENTS_MAX ? keep(one) : `left out: a result may have ${ATTACHMENTS_MAX}`)),
  );
  const attachments: Attachment[] = [];
  let bytesLeft = ATTACHMENTS_BYTES_MAX - BRACKETS_BYTES;
  for (const [at, one] of kept.entries()) {
    if (typeof one === 'string') continue;
    bytesLeft -= jsonBytes(one) + 1;
    if (bytesLeft >= 0) attachments.push(one);
    else kept[at] = 'left out: the references of a result are limited';
  }
  const lines = made.flatMap((one, at) => {
    const problem = kept[at];
    if (typeof problem === 'string') return [madeLabel(one, problem)];
    // A presenter may have left it out.
    return text.includes(madeLabel(one)) ? [] : [madeLabel(one)];
  });
  const below = lines.length === 0 ? '' : `\n${lines.join('\n')}`;
  return {
    text: `${cutBytes(text, RESULT_BYTES_MAX - utf8Length(below))}${below}`,
    ...(attachments.length > 0 && { attachments }),
  };

  /** Returns why it was not kept, as a text. */
  async function keep({ 'holdfast/attachment': attachment, bytes }: ToolAttachment): Promise<Attachment | string> {
    if (bytes.length === 0) return attachment;
    try {
      return { ...attachment, stored: await store.put(bytes, Context.current().cancellationSignal) };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      // Of a server of tools, nobody here has chosen that it returns images.
      const isTextEnough = value instanceof TextResult && !store.exists;
      if (effect === 'once' || isTextEnough) return `not kept: ${why}`;
      const message = `its result has an image or a file that could not be stored: ${why}`;
      throw ApplicationFailure.create({
        message,
        type: FAILURE.tool,
        nonRetryable: !store.exists,
        // After a failure, nothing is sent to a store for some seconds.
        nextRetryDelay: STORE_RETRY_MS,
      });
    }
  }
}
