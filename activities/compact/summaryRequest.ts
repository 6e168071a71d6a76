// Recognises a summary request by its opening, so that the scripted model can answer it without the agent's script.
import type { Message } from '../../core/types.ts';

export const SUMMARY_OPENING =
  'You keep the record of a conversation between a user and an agent that works with tools. It has become too long.';

export function isSummaryRequest([system]: readonly Message[]): boolean {
  return system?.role === 'system' && system.content.startsWith(SUMMARY_OPENING);
}
