// `--image` and `--file`: images and files beside the input of a run, or a message.
import type { Command } from 'commander';
import type { Attachment, Holdfast } from '../client/index.ts';

export interface AttachmentOptions {
  readonly image?: readonly string[] | undefined;
  readonly file?: readonly string[] | undefined;
}

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

export function withAttachmentOptions(command: Command): Command {
  return command
    .option('--image <path>', 'image beside the text: a file, or an https: URL; may be repeated', collect)
    .option('--file <path>', 'file beside the text, such as a PDF: a file, or an https: URL; may be repeated', collect);
}

/** Stores what the options name; the images first. */
export async function uploaded(
  holdfast: Pick<Holdfast, 'upload'>,
  { image = [], file = [] }: AttachmentOptions,
): Promise<{ readonly attachments?: readonly Attachment[] }> {
  const attachments: Attachment[] = [];
  for (const path of image) attachments.push(await holdfast.upload(path, { kind: 'image' }));
  for (const path of file) attachments.push(await holdfast.upload(path, { kind: 'file' }));
  return attachments.length > 0 ? { attachments } : {};
}
