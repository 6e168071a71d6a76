// The result of an MCP tool, as text for the model.
import type { CallToolResult } from '@modelcontextprotocol/client';
import { count } from '../../core/text.ts';
import { resultText } from '../tools/jsonText.ts';

export function resultOf({ content, structuredContent }: CallToolResult): string {
  const texts = content.map(textOf);
  // Servers should repeat it as text, and not all do.
  if (structuredContent !== undefined && !content.some(({ type }) => type === 'text'))
    texts.push(resultText(structuredContent));
  return texts.join('\n');
}

function textOf(block: CallToolResult['content'][number]): string {
  switch (block.type) {
    case 'text':
      return block.text;
    case 'image':
    case 'audio':
      return notShown(block.type, block.mimeType, block.data);
    case 'resource_link':
      return `[resource ${block.name}: ${block.uri}]`;
    case 'resource': {
      const { resource } = block;
      if ('text' in resource) return resource.text;
      return notShown(`resource ${resource.uri}`, resource.mimeType, resource.blob);
    }
    default:
      return resultText(block);
  }
}

function notShown(what: string, mimeType: string | undefined, base64: string): string {
  const bytes = Buffer.byteLength(base64, 'base64');
  return `[${what}${mimeType ? `, ${mimeType}` : ''}, ${count(bytes)} bytes: not shown]`;
}
