// Refunds what customers return. It reads all orders of a customer, and shortens what it has read before the conversation is too long.
import { defineAgent } from '../../activities/index.ts';
import type { Message } from '../../core/types.ts';
import { findOrders, getOrder, refundOrder } from './orders.ts';
import { script } from './script.ts';

/** Enough for what an order is and what it cost. Its tracking comes after that. */
const SHORT = 200;

const shorten = (message: Message): Message =>
  message.content && message.content.length > SHORT
    ? { ...message, content: `${message.content.slice(0, SHORT)} …` }
    : message;

export const returns = defineAgent({
  name: 'returns',
  model: 'gpt-4o-mini',
  instructions: `You refund what customers return. Read all orders of the customer, one after the other, since the number of returns is
limited. Then refund the order that the mail names, once.`,
  tools: [findOrders, getOrder, refundOrder],
  compaction: {
    limitTokens: 4_000,
    keepTurns: 1,
    compact: (_, { task, older, recent }) => [...task, ...older.map(shorten), ...recent],
  },
  offline: script,
});
