// What bytes, names and URLs of images and files are, and which of them can be sent.
import { isAttachment, isMediaType, isName } from './attachments.ts';
import { ATTACHMENT_BYTES_MAX } from './limits.ts';
import { count } from './text.ts';
import type { Attachment } from './types.ts';

/** Images that the providers take. */
export const IMAGE_TYPES = ['image/png', 'image/jpeg', 'image/webp', 'image/gif'] as const;

const TYPES_BY_ENDING: Readonly<Record<string, string>> = {
  csv: 'text/csv',
  gif: 'image/gif',
  htm: 'text/html',
  html: 'text/html',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  json: 'application/json',
  md: 'text/markdown',
  pdf: 'application/pdf',
  png: 'image/png',
  txt: 'text/plain',
  webp: 'image/webp',
  xml: 'application/xml',
  yaml: 'application/yaml',
  yml: 'application/yaml',
};

/** The media type that the ending of a name or URL stands for. */
export function typeOfName(name: string): string | undefined {
  const ending = /\.([a-z0-9]+)$/i.exec(name.replace(/[?#].*$/, ''))?.[1]?.toLowerCase() ?? '';
  return Object.hasOwn(TYPES_BY_ENDING, ending) ? TYPES_BY_ENDING[ending] : undefined;
}

/** The media type that the first bytes stand for. */
export function typeOfBytes(bytes: Uint8Array): string | undefined {
  const head = String.fromCharCode(...bytes.subarray(0, 12));
  if (head.startsWith('\x89PNG\r\n\x1a\n')) return 'image/png';
  if (head.startsWith('\xff\xd8\xff')) return 'image/jpeg';
  if (/^GIF8[79]a/.test(head)) return 'image/gif';
  if (head.startsWith('RIFF') && head.endsWith('WEBP')) return 'image/webp';
  return head.startsWith('%PDF-') ? 'application/pdf' : undefined;
}

/** What the bytes of an image or file are, and what is wrong with them. */
export type CheckedBytes =
  | { readonly ok: true; readonly kind: Attachment['kind']; readonly type: string }
  | { readonly ok: false; readonly problem: string };

/**
 * Checks the bytes of an image or file. `kind` is that of its type if it is not given; `type` is that of its bytes or name. One bad
 * image makes a provider refuse every request that has it.
 */
export function checkBytes(
  bytes: Uint8Array,
  given: {
    readonly kind?: Attachment['kind'] | undefined;
    readonly type?: string | undefined;
    readonly name?: string | undefined;
  },
): CheckedBytes {
  const wrong = (problem: string): CheckedBytes => ({ ok: false, problem });
  if (bytes.length === 0) return wrong('It has no bytes.');
  if (bytes.length > ATTACHMENT_BYTES_MAX)
    return wrong(`It has ${count(bytes.length)} bytes; at most ${count(ATTACHMENT_BYTES_MAX)} are allowed.`);
  const nameProblem = given.name === undefined ? null : isName(given.name, 'name');
  if (nameProblem) return wrong(nameProblem);
  const actual = typeOfBytes(bytes);
  const type = given.type ?? actual ?? (given.name === undefined ? undefined : typeOfName(given.name));
  if (type === undefined) return wrong('Its media type is not known. Set "type", such as application/pdf.');
  const typeProblem = isMediaType(type, 'type');
  if (typeProblem) return wrong(typeProblem);
  const kind = given.kind ?? (isImageType(type) ? 'image' : 'file');
  if (kind === 'image' && !isImageType(type))
    return wrong(`An image of type ${type} is not taken. Use ${IMAGE_TYPES.join(', ')}.`);
  if (kind === 'image' && actual !== type)
    return wrong(`It is not ${type}: its bytes are ${actual ? `those of ${actual}` : 'of another type'}.`);
  return { ok: true, kind, type };
}

function isImageType(type: string): boolean {
  return (IMAGE_TYPES as readonly string[]).includes(type);
}

/** Makes an attachment of a URL, which the provider fetches. Returns what is wrong as a text. */
export function attachmentAt(
  url: string,
  given: {
    readonly kind?: Attachment['kind'] | undefined;
    readonly type?: string | undefined;
    readonly name?: string | undefined;
  },
): Attachment | string {
  const type = given.type ?? typeOfName(url);
  const kind = given.kind ?? (type?.startsWith('image/') ? 'image' : 'file');
  const { name } = given;
  const attachment: Attachment = {
    kind,
    ...(name !== undefined && { name }),
    ...(type !== undefined && { type }),
    url,
  };
  return isAttachment(attachment, 'The attachment') ?? attachment;
}
