// What a provider sent beside text and calls goes back to the server that sent it.
import type { Message } from '../types.ts';
import { CONTENT_PARTS, contentWith } from './contentParts.ts';

/**
 * Goes back with the answers to those messages of a person for which the model has called a tool. There, DeepSeek refuses the next
 * request without it; of other answers, it ignores it, and its older models refuse it.
 */
const OF_CALLS = ['reasoning_content'];

/** The messages as the server takes them. `from`: whose data goes back; null: nobody's. `model`: what it answered for another model is left out as well. */
export function withProviderData(messages: readonly Message[], from: string | null, model?: string): readonly object[] {
  const isWithCalls = answersWithCalls(messages);
  return messages.map((message, i) => {
    if (message.role !== 'assistant' || !message.provider) return message;
    const { provider, ...plain } = message;
    if (provider.from !== from || (model !== undefined && provider.model !== model)) return plain;
    const { [CONTENT_PARTS]: placed, ...fields } = provider.message ?? {};
    const own = Object.entries(fields).filter(([name]) => isWithCalls(i) || !OF_CALLS.includes(name));
    const content = contentWith(plain.content, placed);
    const calls = plain.tool_calls?.map((call, slot) => ({ ...provider.calls?.[slot], ...call }));
    return { ...Object.fromEntries(own), ...plain, ...(content && { content }), ...(calls && { tool_calls: calls }) };
  });
}

/** Whether the message at a position belongs to the answers to a person's message that have calls. */
export function answersWithCalls(
  messages: readonly { readonly role?: unknown; readonly tool_calls?: unknown }[],
): (position: number) => boolean {
  let question = 0;
  const withCalls = new Set<number>();
  const questions = messages.map(({ role, tool_calls: calls }) => {
    if (role === 'user') question += 1;
    if (calls) withCalls.add(question);
    return question;
  });
  return (position) => withCalls.has(questions[position]!);
}
