// The scripted model and the real client, for one test.
import type { TestContext } from 'node:test';
import OpenAI from 'openai';
import {
  offlineModel,
  type Script,
  type ScriptedModel,
  type ScriptedModelOptions,
  startScriptedModel,
} from '../../activities/testing/index.ts';

export type Messages = OpenAI.Chat.ChatCompletionMessageParam[];
export type Chunk = OpenAI.Chat.ChatCompletionChunk;

export const MODEL = offlineModel('clock');

/** Long enough that a test which waits for it has failed. */
export const NEVER_MS = 600_000;

export const TOOLS = ['get_time', 'get_date'].map((name) => ({
  type: 'function' as const,
  function: { name, parameters: { type: 'object', properties: {} } },
}));

export async function serveScript(
  t: TestContext,
  script: Script,
  options: ScriptedModelOptions = {},
): Promise<{ model: ScriptedModel; openai: OpenAI }> {
  const model = await startScriptedModel({ scripts: { clock: script }, ...options });
  t.after(() => model.close());
  return { model, openai: new OpenAI({ baseURL: model.baseURL, apiKey: 'offline', maxRetries: 0 }) };
}

export function ask(openai: OpenAI, messages: Messages = [{ role: 'user', content: 'What time is it?' }]) {
  return openai.chat.completions.create({ model: MODEL, messages, tools: TOOLS });
}

export function askStreamed(openai: OpenAI, signal?: AbortSignal) {
  const messages: Messages = [{ role: 'user', content: 'What time is it?' }];
  return openai.chat.completions.create(
    { model: MODEL, messages, tools: TOOLS, stream: true, stream_options: { include_usage: true } },
    { signal },
  );
}

/** Everything that a stream brings, and the error that ends it, if one does. */
export async function collect(stream: AsyncIterable<Chunk>): Promise<{ chunks: Chunk[]; error: unknown }> {
  const chunks: Chunk[] = [];
  try {
    for await (const chunk of stream) chunks.push(chunk);
    return { chunks, error: null };
  } catch (error) {
    return { chunks, error };
  }
}

/** Answers the calls of an assistant message, each with the result given for it. */
export function answered(message: OpenAI.Chat.ChatCompletionMessage, results: readonly string[]): Messages {
  const tools = (message.tool_calls ?? []).map((call, i) => ({
    role: 'tool' as const,
    tool_call_id: call.id,
    content: results[i] ?? '',
  }));
  return [message, ...tools];
}
