// The activities of the bare loop: the real client, streamed, and a tool that waits.
import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI from 'openai';
import type { AssistantMessage, Message, ToolCall } from '../../core/types.ts';

const TOOL = {
  type: 'function',
  function: { name: 'work', parameters: { type: 'object', properties: { ms: { type: 'number' } }, required: ['ms'] } },
} as const;

export function bareActivities(baseURL: string) {
  const client = new OpenAI({ apiKey: 'none', baseURL, maxRetries: 0 });
  return {
    async askModel(messages: readonly Message[]): Promise<AssistantMessage> {
      const stream = await client.chat.completions.create({
        model: 'bare',
        // The client's types require mutable arrays, but it does not change them.
        messages: messages as unknown as OpenAI.ChatCompletionMessageParam[],
        tools: [TOOL],
        stream: true,
        stream_options: { include_usage: true },
      });
      let content = '';
      const calls: ToolCall[] = [];
      for await (const { choices } of stream)
        for (const { delta } of choices) {
          content += delta.content ?? '';
          for (const { index, id, function: part } of delta.tool_calls ?? [])
            if (id) calls[index] = { id, type: 'function', function: { name: part!.name!, arguments: '' } };
            else
              calls[index] = {
                ...calls[index]!,
                function: {
                  ...calls[index]!.function,
                  arguments: calls[index]!.function.arguments + (part?.arguments ?? ''),
                },
              };
        }
      return { role: 'assistant', content: content || null, ...(calls.length > 0 && { tool_calls: calls }) };
    },
    async work({ ms }: { ms: number }): Promise<string> {
      await sleep(ms);
      return 'done';
    },
  };
}
