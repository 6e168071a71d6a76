// Bytes of the payload store in a request that is shown: their digest, in the place of what the model was sent.
import { attachmentsOf, isTextType } from '../attachments.ts';
import type { Attachment, Message, StoredBytes } from '../types.ts';
import type { Loaded, LoadedAttachments } from './parts.ts';

/** What stands for the bytes. */
export function storedMark({ sha256 }: StoredBytes): string {
  return `{{stored sha256:${sha256}}}`;
}

/** The attachments of the messages, as if loaded, with a mark for their bytes. */
export function shownAttachments(messages: readonly Message[]): LoadedAttachments {
  return new Map(messages.flatMap(attachmentsOf).map((one): [Attachment, Loaded] => [one, shown(one)]));
}

function shown({ url, stored, type }: Attachment): Loaded {
  if (url) return { url };
  if (!stored) return { missing: 'it has neither a URL nor bytes' };
  return isTextType(type) ? { text: storedMark(stored) } : { url: dataUrl(type, storedMark(stored)) };
}

/** The request with the bytes in the place of their marks. */
export function withStored<T>(request: T, inPlace: (sha256: string) => string | undefined): T {
  const filled = (text: string) => text.replace(MARK, (mark, sha256: string) => inPlace(sha256) ?? mark);
  // Only strings are changed, so it keeps its type.
  return JSON.parse(JSON.stringify(request), (_, value) => (typeof value === 'string' ? filled(value) : value)) as T;
}

const MARK = /\{\{stored sha256:([0-9a-f]{64})\}\}/g;

/** `data` is base64, or what stands for it. */
export function dataUrl(type: string | undefined, data: string): string {
  return `data:${type ?? 'application/octet-stream'};base64,${data}`;
}
