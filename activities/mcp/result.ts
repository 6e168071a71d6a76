// The result of an MCP tool: text for the model, and the images and files in it.
import type { CallToolResult } from '@modelcontextprotocol/client';
import { ATTACHMENT_NAME_CHARS_MAX, isTextType } from '../../core/attachments.ts';
import { IMAGE_TYPES, typeOfBytes } from '../../core/mediaTypes.ts';
import { count, cutText, oneLine } from '../../core/text.ts';
import { file, image, isToolAttachment, madeLabel, TextResult, type ToolAttachment } from '../attachments/made.ts';
import { resultText } from '../tools/jsonText.ts';

export function resultOf({ content, structuredContent }: CallToolResult): TextResult {
  const parts = content.map(partOf);
  // Servers should repeat it as text, and not all do.
  if (structuredContent !== undefined && !content.some(({ type }) => type === 'text'))
    parts.push(resultText(structuredContent));
  const text = parts.map((part) => (isToolAttachment(part) ? madeLabel(part) : part)).join('\n');
  return new TextResult(text, parts.filter(isToolAttachment));
}

function partOf(block: CallToolResult['content'][number]): string | ToolAttachment {
  switch (block.type) {
    case 'text':
      return block.text;
    case 'image':
      return madeOf('image', block.mimeType, block.data);
    case 'audio':
      return notShown(block.type, block.mimeType, block.data, 'models read no audio here');
    case 'resource_link':
      return `[resource ${block.name}: ${block.uri}]`;
    case 'resource': {
      const { resource } = block;
      if ('text' in resource) return resource.text;
      return madeOf(`resource ${resource.uri}`, resource.mimeType, resource.blob, nameIn(resource.uri));
    }
    default:
      return resultText(block);
  }
}

/** The server names its type, which is not always that of the bytes. What cannot be shown is named: the tool has run. */
function madeOf(what: string, mimeType: string | undefined, base64: string, name?: string): string | ToolAttachment {
  const bytes = Buffer.from(base64, 'base64');
  const type = typeOfBytes(bytes) ?? mimeType?.toLowerCase().replace(/;.*$/, '').trim();
  const options = { ...(name !== undefined && { name }), ...(type !== undefined && { type }) };
  try {
    if (what === 'image' || (IMAGE_TYPES as readonly string[]).includes(type ?? '')) return image(bytes, options);
    if (type === 'application/pdf' || isTextType(type)) return file(bytes, options);
    return notShown(what, mimeType, base64, 'models read no such file');
  } catch (error) {
    return notShown(what, mimeType, base64, error instanceof Error ? error.message : String(error));
  }
}

/** The end of the URI, if it can be a name. */
function nameIn(uri: string): string | undefined {
  const name = oneLine(
    uri
      .replace(/[?#].*$/, '')
      .split('/')
      .at(-1) ?? '',
    ATTACHMENT_NAME_CHARS_MAX,
  );
  return name === '' || /\p{Cc}/u.test(name) ? undefined : name;
}

function notShown(what: string, mimeType: string | undefined, base64: string, why: string): string {
  const bytes = Buffer.byteLength(base64, 'base64');
  return `[${what}${mimeType ? `, ${mimeType}` : ''}, ${count(bytes)} bytes: not shown, ${cutText(why, 300)}]`;
}
