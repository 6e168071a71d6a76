// Times as options of commands have them: a moment, or how long ago.
import { InvalidArgumentError } from 'commander';
import { parseDuration } from './budget.ts';

/** Returns milliseconds since 1970. */
export function parseTime(text: string): number {
  if (/^\d{4}-\d\d-\d\d/.test(text)) {
    const ms = Date.parse(text);
    if (Number.isNaN(ms)) throw new InvalidArgumentError('Expected a time such as 2026-01-08T09:00:00Z.');
    return ms;
  }
  return Date.now() - parseDuration(text);
}
