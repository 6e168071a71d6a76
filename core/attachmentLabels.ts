// The texts that stand for images and files: for people, in summaries, and for models that take none.
import { ATTACHMENT_NAME_CHARS_MAX, attachmentsOf } from './attachments.ts';
import type { Attachment, Message } from './types.ts';

/** Begins the message of a request that has the images and files of results; no person has sent it. */
export const RESULTS_HEAD = '[The images and files of the results above, by the order of the results.]';

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

/** The message with texts in place of its images and files. */
export function withoutAttachments(message: Message): Message {
  if (attachmentsOf(message).length === 0 || (message.role !== 'user' && message.role !== 'tool')) return message;
  const { attachments, ...rest } = message;
  // The text of a result has the labels already.
  return message.role === 'user' ? { ...rest, content: withLabels(message.content, attachments) } : rest;
}
