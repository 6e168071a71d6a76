// The minimal agent loop on Temporal: the model is sent all messages, and every tool is an activity. A lower bound for any
// agent loop with a model over HTTP.
import { proxyActivities } from '@temporalio/workflow';
import type { AssistantMessage, Message } from '../../core/types.ts';

const { askModel, work } = proxyActivities<{
  askModel(messages: readonly Message[]): Promise<AssistantMessage>;
  work(input: { ms: number }): Promise<string>;
}>({ startToCloseTimeout: '1 minute' });

export async function bareLoop(input: string): Promise<string | null> {
  const messages: Message[] = [{ role: 'user', content: input }];
  for (;;) {
    const answer = await askModel(messages);
    messages.push(answer);
    const { tool_calls: calls = [] } = answer;
    if (calls.length === 0) return answer.content;
    const results = await Promise.all(calls.map((call) => work(JSON.parse(call.function.arguments))));
    for (const [i, content] of results.entries()) messages.push({ role: 'tool', tool_call_id: calls[i]!.id, content });
  }
}
