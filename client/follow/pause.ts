// Waiting that ends with a signal.
import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves after that time, or as soon as the signal is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return sleep(ms, undefined, { signal }).catch(() => {});
}
