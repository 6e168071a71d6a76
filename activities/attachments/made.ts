// Images and files that a tool returns. They are plain data: what a tool in a thread returns is copied.

import { attachmentLabel } from '../../core/attachmentLabels.ts';
import { attachmentAt, checkBytes } from '../../core/mediaTypes.ts';
import type { Attachment } from '../../core/types.ts';
import { ToolError } from '../tools/toolError.ts';

/** What `image()` and `file()` return: for a tool's result. */
export interface ToolAttachment {
  readonly 'holdfast/attachment': Omit<Attachment, 'stored'>;
  /** Empty for a URL. JSON has no such value, so that a tool which passes on somebody's JSON passes on no image. */
  readonly bytes: Uint8Array;
}

export interface ToolAttachmentOptions {
  /** Shown to the model and to people. */
  readonly name?: string;
  /** The media type. @default by the bytes, or by the ending of the name or URL */
  readonly type?: string;
}

/**
 * An image in a tool's result, which the model sees: bytes, which are stored in the payload store, or an `https:` URL.
 *
 * ```ts
 * run: async () => ({ rows: 12, chart: image(await draw(), { name: 'chart.png' }) }),
 * ```
 */
export function image(source: Uint8Array | string, options: ToolAttachmentOptions = {}): ToolAttachment {
  return made('image', source, options);
}

/**
 * A file in a tool's result, such as a PDF, which the model reads: bytes, which are stored in the payload store, or an `https:` URL.
 *
 * ```ts
 * run: async ({ id }) => file(await readInvoice(id), { name: `${id}.pdf` }),
 * ```
 */
export function file(source: Uint8Array | string, options: ToolAttachmentOptions = {}): ToolAttachment {
  return made('file', source, options);
}

function made(kind: Attachment['kind'], source: Uint8Array | string, options: ToolAttachmentOptions): ToolAttachment {
  // The same call would fail in the same way.
  const wrong = (problem: string) => new ToolError(`${kind}(): ${problem}`);
  const { name } = options;
  if (typeof source === 'string') {
    const attachment = attachmentAt(source, { kind, ...options });
    if (typeof attachment === 'string') throw wrong(attachment);
    return { 'holdfast/attachment': attachment, bytes: new Uint8Array() };
  }
  if (!(source instanceof Uint8Array)) throw wrong('Pass bytes, as a Uint8Array, or an https: URL.');
  const checked = checkBytes(source, { kind, ...options });
  if (!checked.ok) throw wrong(checked.problem);
  return {
    'holdfast/attachment': { kind, ...(name !== undefined && { name }), type: checked.type },
    bytes: source,
  };
}

export function isToolAttachment(value: unknown): value is ToolAttachment {
  if (typeof value !== 'object' || value === null) return false;
  try {
    if (!Object.hasOwn(value, 'holdfast/attachment')) return false;
    return (value as ToolAttachment).bytes instanceof Uint8Array;
  } catch {
    // A proxy may throw whatever is asked of it.
    return false;
  }
}

/** In place of it in the text of a result. */
export function madeLabel({ 'holdfast/attachment': attachment, bytes }: ToolAttachment, why?: string): string {
  const shown =
    bytes.length > 0
      ? { ...attachment, stored: { store: '', claim: {}, bytes: bytes.length, sha256: '' } }
      : attachment;
  return attachmentLabel(shown, why);
}

/** A text with images and files beside it: for a presenter, it is the text. */
export class TextResult {
  readonly text: string;
  readonly attachments: readonly ToolAttachment[];

  constructor(text: string, attachments: readonly ToolAttachment[]) {
    this.text = text;
    this.attachments = attachments;
  }
}

/** What a presenter gets of a result. */
export function shownIn(value: unknown): unknown {
  return value instanceof TextResult ? value.text : value;
}

/** No result nests deeper, as its text says. */
const DEPTH_MAX = 64;
/** The text of a result has no room for more. */
const VALUES_MAX = 100_000;

/** The images and files in a result, in their order: itself, or in its lists and fields. */
export function attachmentsIn(value: unknown): readonly ToolAttachment[] {
  if (value instanceof TextResult) return value.attachments;
  const found = new Set<ToolAttachment>();
  const open = new Set<object>();
  let visited = 0;
  const visit = (part: unknown, depth: number): void => {
    if (typeof part !== 'object' || part === null || depth >= DEPTH_MAX || open.has(part)) return;
    if (isToolAttachment(part)) return void found.add(part);
    open.add(part);
    for (const inner of valuesIn(part)) {
      if (++visited > VALUES_MAX) return;
      visit(inner, depth + 1);
    }
  };
  visit(value, 0);
  return [...found];
}

/** The items of a list, or the fields of a plain object: those of others may be anything's, and reading them may have effects. */
function* valuesIn(part: object): Generator<unknown> {
  try {
    if (Array.isArray(part)) return yield* part;
    const prototype = Object.getPrototypeOf(part);
    if (prototype !== Object.prototype && prototype !== null) return;
    for (const key of Object.keys(part)) yield Object.getOwnPropertyDescriptor(part, key)?.value;
  } catch {
    // A proxy that throws has no images.
  }
}
