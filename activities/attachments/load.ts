// Loads the bytes of images and files just before a request to the model. What cannot be sent becomes a text that says so.
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { attachmentsOf, isTextType } from '../../core/attachments.ts';
import {
  MESSAGE_BYTES_MAX,
  REQUEST_ATTACHMENT_BYTES_MAX,
  REQUEST_ATTACHMENTS_MAX,
  STORE_RETRY_MS,
} from '../../core/limits.ts';
import { FAILURE } from '../../core/names.ts';
import { cutBytes } from '../../core/text.ts';
import type { Attachment, Message } from '../../core/types.ts';
import type { Loaded, LoadedAttachments } from '../../core/wire/parts.ts';
import { dataUrl } from '../../core/wire/stored.ts';
import type { ModelTakes } from '../define/types.ts';
import type { AttachmentStore } from '../dependencies.ts';

/** Loads the attachments of the messages that the model is said to take. Throws if the store is away: then the run waits. */
export async function loadAttachments(
  messages: readonly Message[],
  store: AttachmentStore,
  signal: AbortSignal,
  { images = true, files = true }: ModelTakes = {},
): Promise<LoadedAttachments> {
  let bytesLeft = REQUEST_ATTACHMENT_BYTES_MAX;
  // From the newest on: a model that works with screenshots needs the last ones.
  const isWanted = ({ kind, type }: Attachment) => (kind === 'image' ? images : files) || isTextType(type);
  const newestFirst = messages.flatMap(attachmentsOf).filter(isWanted).reverse();
  const loading = newestFirst.map(async (attachment, at): Promise<[Attachment, Loaded]> => {
    const bytes = attachment.stored?.bytes ?? 0;
    if (at >= REQUEST_ATTACHMENTS_MAX || bytes > bytesLeft) return [attachment, LEFT_OUT];
    bytesLeft -= bytes;
    return [attachment, await load(attachment, store, signal)];
  });
  return new Map(await Promise.all(loading));
}

const LEFT_OUT: Loaded = { missing: 'left out, since there are newer ones and a request is limited' };

async function load({ type, url, stored }: Attachment, store: AttachmentStore, signal: AbortSignal): Promise<Loaded> {
  if (url) return { url };
  if (!stored) return { missing: 'it has neither a URL nor bytes' };
  const got = await store.get(stored, signal).catch((error) => {
    signal.throwIfAborted();
    throw ApplicationFailure.create({
      message: error instanceof Error ? error.message : String(error),
      type: FAILURE.storeUnavailable,
      nextRetryDelay: STORE_RETRY_MS,
    });
  });
  if ('lost' in got) {
    Context.current().log.warn(`The model does not get an image or a file: ${got.lost}`);
    return { missing: 'its bytes are no longer there' };
  }
  const bytes = Buffer.from(got.bytes.buffer, got.bytes.byteOffset, got.bytes.byteLength);
  if (isTextType(type)) return { text: cutBytes(bytes.toString('utf8'), MESSAGE_BYTES_MAX) };
  return { url: dataUrl(type, bytes.toString('base64')) };
}
