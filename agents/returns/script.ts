// Plays the model for the returns desk where no key is set. It answers from what it is sent, and from nothing else.
import type { ScriptedAnswer, ScriptedRequest } from '../../activities/testing/script.ts';

export function script({ messages }: ScriptedRequest): ScriptedAnswer {
  const asked = messages.flatMap((message) => (message.role === 'user' ? message.content : [])).join('\n');
  const customer = /customer (\d+)/.exec(asked)?.[1];
  if (!customer) return 'I am an offline script, not a model. Write "I am customer 471. Please refund order 4711."';
  const found = messages.find(({ role }) => role === 'tool')?.content ?? '';
  const orders = /"orders":\[([\d,]+)\]/.exec(found)?.[1]?.split(',').map(Number);
  if (!orders) return { calls: [{ tool: 'find_orders', arguments: { customer: Number(customer) } }] };
  const made = messages.flatMap((message) => (message.role === 'assistant' ? (message.tool_calls ?? []) : []));
  const next = orders[made.filter((call) => call.function.name === 'get_order').length];
  if (next) return { calls: [{ tool: 'get_order', arguments: { order: next } }] };
  // Models do this as well: asked to refund, and not sent which order, they take the one that they have read last.
  const order = Number([...asked.matchAll(/order (\d+)/g)].at(-1)?.[1] ?? orders.at(-1));
  if (!made.some((call) => call.function.name === 'refund_order'))
    return { calls: [{ tool: 'refund_order', arguments: { order } }] };
  return `Order ${order} is refunded. (Written by an offline script, not by a model.)`;
}
