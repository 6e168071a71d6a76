// Images and files beside the text of a message or a result. History has references to them; their bytes are in the payload store,
// or where a URL leads.
import { ATTACHMENT_BYTES_MAX, ATTACHMENTS_BYTES_MAX, ATTACHMENTS_MAX, BYTES_PER_TOKEN } from './limits.ts';
import { type Check, isList, isOneOf, isRecord, isShape, isText, isWholeNumber, nullable, optional } from './shape.ts';
import { count, jsonBytes } from './text.ts';
import type { Attachment, Message, StoredBytes } from './types.ts';

const URL_CHARS_MAX = 4_000;
export const ATTACHMENT_NAME_CHARS_MAX = 200;
const SHA256 = /^[0-9a-f]{64}$/;
const MEDIA_TYPE = /^[a-z0-9][a-z0-9.+-]{0,60}\/[a-z0-9][a-z0-9.+-]{0,90}$/;
// A login in it would be a secret in history. The sandbox needs no parser of URLs for the rest: the provider has one.
const HTTPS = /^https:\/\/[^\s/?#@\\]+(?:[/?#][!-~]*)?$/i;

const isName: Check = (value, path) => {
  if (typeof value !== 'string') return isText(value, path);
  if (value !== '' && value.length <= ATTACHMENT_NAME_CHARS_MAX && !/\p{Cc}/u.test(value)) return null;
  return `${path} must be a text of 1 to ${ATTACHMENT_NAME_CHARS_MAX} characters on one line.`;
};

const isMediaType: Check = (value, path) => {
  if (typeof value !== 'string') return isText(value, path);
  return MEDIA_TYPE.test(value) ? null : `${path} must be a media type in lower case, such as image/png.`;
};

const isHttps: Check = (value, path) => {
  if (typeof value !== 'string') return isText(value, path);
  if (value.length <= URL_CHARS_MAX && HTTPS.test(value)) return null;
  return `${path} must be an https: URL of at most ${count(URL_CHARS_MAX)} characters, without a login.`;
};

const isSha256: Check = (value, path) =>
  typeof value === 'string' && SHA256.test(value) ? null : `${path} must be a SHA-256 in hexadecimal.`;

const isSize: Check = (value, path) => {
  const problem = isWholeNumber(1)(value, path);
  if (problem !== null || (value as number) <= ATTACHMENT_BYTES_MAX) return problem;
  return `${path} may be ${count(ATTACHMENT_BYTES_MAX)}; it is ${count(value as number)}.`;
};

const isStored = isShape<StoredBytes>({
  store: isName,
  claim: isRecord(isText),
  bytes: isSize,
  sha256: isSha256,
});

/** Other languages send null for a field that is not set. */
const unset = (check: Check) => optional(nullable(check));

const hasFields = isShape<Attachment>({
  kind: isOneOf('image', 'file'),
  name: unset(isName),
  type: unset(isMediaType),
  url: unset(isHttps),
  stored: unset(isStored),
});

const isAttachment: Check = (value, path) => {
  const problem = hasFields(value, path);
  if (problem !== null) return problem;
  const { url, stored } = value as Attachment;
  if (!url === !stored) return `${path} must have either url or stored.`;
  return null;
};

/** Accepts the images and files of one message or result. */
export const isAttachments: Check = (value, path) => {
  const problem = isList(isAttachment)(value, path);
  if (problem !== null) return problem;
  const { length } = value as readonly unknown[];
  if (length > ATTACHMENTS_MAX) return `${path} may have ${ATTACHMENTS_MAX} images and files; it has ${count(length)}.`;
  const bytes = jsonBytes(value);
  return bytes > ATTACHMENTS_BYTES_MAX
    ? `${path} may have ${count(ATTACHMENTS_BYTES_MAX)} bytes of references; it has ${count(bytes)}.`
    : null;
};

/** For a field of a message: absent without attachments. */
export function attachmentsField(attachments: readonly Attachment[] | null | undefined): {
  readonly attachments?: readonly Attachment[];
} {
  return attachments && attachments.length > 0 ? { attachments } : {};
}

/** `[image invoice.png, image/png, 120 kB]`, in place of what a text cannot show. `why` says why not. */
export function attachmentLabel({ kind, name, type, url, stored }: Attachment, why?: string): string {
  const from = url && !name ? cutUrl(url) : undefined;
  const parts = [[kind, name ?? from].filter(Boolean).join(' '), type, stored && size(stored.bytes)];
  return `[${parts.filter(Boolean).join(', ')}${why ? `: ${why}` : ''}]`;
}

/** What is in the query of a URL may be a signature. */
function cutUrl(url: string): string {
  const head = url.replace(/[?#].*$/, '');
  return head.length <= ATTACHMENT_NAME_CHARS_MAX ? head : `${head.slice(0, ATTACHMENT_NAME_CHARS_MAX)}…`;
}

function size(bytes: number): string {
  if (bytes < 1_000) return `${bytes} bytes`;
  return bytes < 1_000_000 ? `${Math.round(bytes / 1_000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** The text of a message with a line for each of its images and files. */
export function withLabels(text: string, attachments: readonly Attachment[] | null | undefined): string {
  if (!attachments || attachments.length === 0) return text;
  return [text, ...attachments.map((attachment) => attachmentLabel(attachment))].join('\n');
}

export function attachmentsOf(message: Message): readonly Attachment[] {
  return message.role === 'user' || message.role === 'tool' ? (message.attachments ?? []) : [];
}

/** The message with texts in place of its images and files. */
export function withoutAttachments(message: Message): Message {
  if (attachmentsOf(message).length === 0 || (message.role !== 'user' && message.role !== 'tool')) return message;
  const { attachments, ...rest } = message;
  // The text of a result has the labels already.
  return message.role === 'user' ? { ...rest, content: withLabels(message.content, attachments) } : rest;
}

/** About what OpenAI, Anthropic and Gemini count for an image that they have scaled down. */
const IMAGE_TOKENS = 1_500;
/** A page of a PDF has some 50 kB, and is read as text and as an image. */
const FILE_TOKENS_PER_BYTE = 1 / 25;
const FILE_TOKENS_MAX = 100_000;
/** What a file at a URL has, nobody knows here. */
const UNKNOWN_FILE_TOKENS = 5_000;

/** Estimates what a model counts for it, which the length of its bytes says little about. */
export function tokensOfAttachment({ kind, type, stored }: Attachment): number {
  if (kind === 'image') return IMAGE_TOKENS;
  if (!stored) return UNKNOWN_FILE_TOKENS;
  const tokens = isTextType(type) ? stored.bytes / BYTES_PER_TOKEN : stored.bytes * FILE_TOKENS_PER_BYTE;
  return Math.ceil(Math.min(FILE_TOKENS_MAX, Math.max(IMAGE_TOKENS, tokens)));
}

/** Whether its bytes are text, which every model reads. */
export function isTextType(type: string | null | undefined): boolean {
  return !!type && (/^text\//.test(type) || /^application\/(?:json|xml|yaml|.*\+(?:json|xml))$/.test(type));
}

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

/** Begins the message of a request that has the images and files of results; no person has sent it. */
export const RESULTS_HEAD = '[The images and files of the results above, by the order of the results.]';
