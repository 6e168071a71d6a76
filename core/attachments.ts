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

export const isName: Check = (value, path) => {
  if (typeof value !== 'string') return isText(value, path);
  if (value !== '' && value.length <= ATTACHMENT_NAME_CHARS_MAX && !/\p{Cc}/u.test(value)) return null;
  return `${path} must be a text of 1 to ${ATTACHMENT_NAME_CHARS_MAX} characters on one line.`;
};

export const isMediaType: Check = (value, path) => {
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

export const isAttachment: Check = (value, path) => {
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

export function attachmentsOf(message: Message): readonly Attachment[] {
  return message.role === 'user' || message.role === 'tool' ? (message.attachments ?? []) : [];
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
