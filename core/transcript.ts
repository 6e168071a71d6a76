// Checks that a transcript is valid for the model API. Tests and the scripted model use it.
import { isJson } from './json.ts';
import type { Message } from './types.ts';

/** Returns the first problem that a strict model API would refuse the transcript for; null if it is valid. */
export function transcriptProblem(messages: readonly Message[]): string | null {
  const ids = new Set<string>();
  let open: string[] = [];
  for (const [i, message] of messages.entries()) {
    if (message.role === 'tool') {
      const next = open.shift();
      if (next === undefined) return `message ${i} answers call ${message.tool_call_id}, which nobody made`;
      if (next !== message.tool_call_id) return `message ${i} answers ${message.tool_call_id} where ${next} is due`;
      continue;
    }
    if (open.length > 0) return `call ${open[0]} is not answered before message ${i}`;
    if (message.role !== 'assistant') continue;
    const calls = message.tool_calls ?? [];
    if (message.tool_calls && calls.length === 0) return `message ${i} has an empty list of calls`;
    if (calls.length === 0 && message.content === null) return `message ${i} says nothing`;
    for (const call of calls) {
      if (call.id === '' || ids.has(call.id)) return `message ${i} has the call id ${call.id || '(empty)'} again`;
      ids.add(call.id);
      if (!isJson(call.function.arguments)) return `call ${call.id} has arguments that are not JSON`;
    }
    open = calls.map((call) => call.id);
  }
  return open.length > 0 ? `call ${open[0]} is not answered at the end` : null;
}
