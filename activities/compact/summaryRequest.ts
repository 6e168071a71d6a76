// How a request for a summary is told from a turn of the agent: the scripted model answers it in its own way.
import type { Message } from '../../core/types.ts';

export const SUMMARY_OPENING =
  'You keep the record of a conversation between a user and an agent that works with tools. It has become too long.';

export function isSummaryRequest([system]: readonly Message[]): boolean {
  return system?.role === 'system' && system.content.startsWith(SUMMARY_OPENING);
}
