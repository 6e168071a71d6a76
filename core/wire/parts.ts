// Puts images and files into the messages of a request, as parts of the Chat Completions API. Messages of tools take only text, so
// those of results follow in a message of their own.
import { attachmentLabel, RESULTS_HEAD } from '../attachmentLabels.ts';
import { attachmentsOf, isTextType } from '../attachments.ts';
import type { Attachment, Message } from '../types.ts';

/** How a request to the model has it. */
export type Loaded =
  /** For `image_url` or `file_data`: a data: URL, or the https: URL itself. */
  | { readonly url: string }
  /** The text of a file, which every model reads. */
  | { readonly text: string }
  /** Why it is not there. */
  | { readonly missing: string };

/** By the attachment itself: a message is used as it is, with what it has beside it. */
export type LoadedAttachments = ReadonlyMap<Attachment, Loaded>;

/** What the model is known to take. */
export interface Taken {
  readonly images: boolean;
  readonly files: boolean;
  /** Whether its server fetches https: URLs. */
  readonly imageUrls: boolean;
  readonly fileUrls: boolean;
  /** false after the server has refused this very request for an image or a file in it, or for one at a URL. */
  readonly these: boolean;
  readonly urlsOfThese: boolean;
}

type Part =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image_url'; readonly image_url: { readonly url: string } }
  | { readonly type: 'file'; readonly file: { readonly filename: string; readonly file_data: string } };

export function withParts(messages: readonly Message[], loaded: LoadedAttachments, taken: Taken): readonly Message[] {
  if (!messages.some((message) => attachmentsOf(message).length > 0)) return messages;
  const wire: object[] = [];
  /** The parts of the results since the last message that was none. */
  let ofResults: Part[] = [];
  let slot = 0;
  const flush = () => {
    if (ofResults.length > 0)
      wire.push({ role: 'user', content: [{ type: 'text', text: RESULTS_HEAD }, ...ofResults] });
    ofResults = [];
    slot = 0;
  };
  for (const message of messages) {
    if (message.role !== 'tool') flush();
    else slot += 1;
    if (message.role !== 'tool' && message.role !== 'user') {
      wire.push(message);
      continue;
    }
    const { attachments = [], ...plain } = message;
    const shown = attachments.map((attachment) => partsOf(attachment, loaded.get(attachment), taken));
    const texts = shown.flatMap((one) => ('text' in one ? [one.text] : []));
    const text = [message.content, ...texts].join('\n');
    const parts = shown.flatMap((one) => ('parts' in one ? one.parts : []));
    if (message.role === 'tool') {
      if (parts.length > 0) ofResults.push({ type: 'text', text: `Of result ${slot}:` }, ...parts);
      wire.push({ ...plain, content: text });
    } else wire.push({ ...plain, content: parts.length > 0 ? [{ type: 'text', text }, ...parts] : text });
  }
  flush();
  // They are what the API takes, though no message of ours is a list of parts.
  return wire as readonly Message[];
}

/** Parts to send, or a text in their place. */
function partsOf(
  attachment: Attachment,
  loaded: Loaded | undefined,
  taken: Taken,
): { readonly parts: readonly Part[] } | { readonly text: string } {
  const { kind } = attachment;
  const label = attachmentLabel(attachment);
  const instead = (why: string) => ({ text: attachmentLabel(attachment, `not shown, ${why}`) });
  const isTaken = kind === 'image' ? taken.images : taken.files;
  if (!isTaken && !isTextType(attachment.type))
    return instead(`since this model takes no ${kind}s${atUrl(attachment)}`);
  if (!loaded) return instead('since it was not loaded');
  if ('missing' in loaded) return { text: attachmentLabel(attachment, loaded.missing) };
  if ('text' in loaded) return { text: `${label}\n${loaded.text}` };
  const { url } = loaded;
  if (!taken.these || (attachment.url && !taken.urlsOfThese))
    return instead(`since the model's server could not read it${atUrl(attachment)}`);
  if (attachment.url && !(kind === 'image' ? taken.imageUrls : taken.fileUrls))
    return instead(`since this model's server takes no ${kind}s by URL${atUrl(attachment)}`);
  const caption: Part = { type: 'text', text: label };
  return {
    parts: [
      caption,
      kind === 'image'
        ? { type: 'image_url', image_url: { url } }
        : { type: 'file', file: { filename: attachment.name ?? 'file', file_data: url } },
    ],
  };
}

/** A tool may be able to fetch it. */
function atUrl({ url }: Attachment): string {
  return url ? `: ${url}` : '';
}
