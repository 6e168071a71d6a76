// `upload` and `download`: images and files for a run's input and messages. Their bytes go into the payload store, and history has a reference.
import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { ATTACHMENT_BYTES_MAX } from '../core/limits.ts';
import { attachmentAt, checkBytes } from '../core/mediaTypes.ts';
import type { Attachment } from '../core/types.ts';
import { InvalidAttachment, StoredPayloadLost } from './errors/errors.ts';
import type { AttachmentStore } from './payloads/attachmentStore.ts';

export interface UploadOptions {
  /** `image`: the model sees it. `file`: the model reads it. @default by its type */
  readonly kind?: Attachment['kind'];
  /** The media type, such as `image/png`. @default by its bytes, or by the ending of its name */
  readonly type?: string;
  /** Shown to the model and to people. @default the name of the file */
  readonly name?: string;
}

/** Makes an attachment of bytes, of a file of this machine, or of an `https:` URL. */
export async function upload(
  store: AttachmentStore,
  source: Uint8Array | string | URL,
  options: UploadOptions = {},
): Promise<Attachment> {
  const url = urlIn(source);
  if (url !== null) {
    const attachment = attachmentAt(url, options);
    if (typeof attachment === 'string') throw invalid(url, attachment);
    return attachment;
  }
  const path = typeof source === 'string' ? source : null;
  if (path === null && !(source instanceof Uint8Array))
    throw invalid('', 'Pass bytes, as a Uint8Array, the path of a file, or an https: URL.');
  const name = options.name ?? (path === null ? undefined : basename(path));
  const what = name ?? `${(source as Uint8Array).length} bytes`;
  const bytes = path === null ? (source as Uint8Array) : await read(path);
  const checked = checkBytes(bytes, { ...options, ...(name !== undefined && { name }) });
  if (!checked.ok) throw invalid(what, checked.problem);
  const stored = await store.put(bytes);
  return { kind: checked.kind, ...(name !== undefined && { name }), type: checked.type, stored };
}

export async function download(store: AttachmentStore, { name, url, stored }: Attachment): Promise<Uint8Array> {
  if (!stored) throw invalid(name ?? url ?? '', 'It has no bytes in the payload store.');
  const got = await store.get(stored);
  if ('lost' in got) throw new StoredPayloadLost('stored_attachment_lost', { why: got.lost });
  return got.bytes;
}

/** A path has no scheme of several letters: that of one would be a drive. */
function urlIn(source: Uint8Array | string | URL): string | null {
  if (source instanceof URL) return source.href;
  return typeof source === 'string' && /^[a-z][a-z0-9+.-]+:/i.test(source) ? source : null;
}

async function read(path: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    // Before it is in memory.
    if (size <= ATTACHMENT_BYTES_MAX) return await readFile(path);
    throw invalid(path, `It has ${size} bytes; at most ${ATTACHMENT_BYTES_MAX} are allowed.`);
  } catch (error) {
    if (error instanceof InvalidAttachment) throw error;
    throw invalid(path, `It cannot be read: ${error instanceof Error ? error.message : error}.`);
  }
}

function invalid(what: string, problem: string): InvalidAttachment {
  return new InvalidAttachment('attachment_invalid', { what, problem });
}
