// What a provider sends in the content of a message beside text, such as reasoning. In the transcript content is a text; the other parts
// are kept beside it, each with its place, and go back as a list.

/** The field of a message that has them. It is kept and sent back like every field that a provider adds. */
export const CONTENT_PARTS = 'content_parts';

export interface PlacedPart {
  /** The number of the text's characters before it. */
  readonly at: number;
  readonly part: Readonly<Record<string, unknown>>;
}

/** The content as the provider sent it; null if these are no parts of a content. */
export function contentWith(text: string | null, placed: unknown): readonly object[] | null {
  if (!Array.isArray(placed) || placed.length === 0 || !placed.every(isPlaced)) return null;
  const content: object[] = [];
  let written = 0;
  const writeTo = (end: number) => {
    const next = (text ?? '').slice(written, end);
    if (next !== '') content.push({ type: 'text', text: next });
    written = Math.max(written, end);
  };
  for (const { at, part } of placed) {
    writeTo(at);
    content.push(part);
  }
  writeTo(Number.POSITIVE_INFINITY);
  return content;
}

function isPlaced(given: unknown): given is PlacedPart {
  const { at, part } = (given ?? {}) as Partial<Record<keyof PlacedPart, unknown>>;
  return Number.isSafeInteger(at) && typeof part === 'object' && part !== null;
}

/** The text of a content that is a list; anything else as it is. */
export function textOfContent(content: unknown): unknown {
  if (!Array.isArray(content)) return content;
  const text = content.map((part) => (part?.type === 'text' ? part.text : '')).join('');
  return text === '' ? null : text;
}
