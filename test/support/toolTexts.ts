// Reads a run's transcript in the forms that tests need.
import type { Run } from '../../client/index.ts';
import type { Message } from '../../core/types.ts';

/** Returns what the model read of each call, in order. */
export function toolTexts(run: Run): string[] {
  return run.transcript.flatMap((message) => (message.role === 'tool' ? [message.content] : []));
}

/** The same for texts that are JSON. */
export function toolValues(run: Run): unknown[] {
  return toolTexts(run).map((text) => JSON.parse(text));
}

/** The transcript without the instructions. */
export function conversation(run: Run): Message[] {
  return run.transcript.filter(({ role }) => role !== 'system');
}

/** Start options of a run that is kept as a golden history; in one cache mode only, because both write the same. */
export function golden(cached: boolean, shows: string): { readonly id?: string } {
  return cached ? { id: `golden-${shows}` } : {};
}
