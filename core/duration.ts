// Durations are Temporal's: the SDK's own parser reads those of agents, tools, schedules and the command line alike.
import { msToNumber } from '@temporalio/common/lib/time.js';

// Written out, since the SDK's `Duration` is `any` to whoever resolves modules as Node does: its `ms` ships no types for that.
type Unit =
  | `${'millisecond' | 'msec' | 'second' | 'sec' | 'minute' | 'min' | 'hour' | 'hr'}${'' | 's'}`
  | `${'day' | 'week' | 'year' | 'yr'}${'' | 's'}`
  | 'ms'
  | 's'
  | 'm'
  | 'h'
  | 'd'
  | 'w'
  | 'y';

/** Milliseconds, or a text such as `'30 seconds'`, `'1.5h'` or `'2 days'`. */
export type Duration = number | `${number}` | `${number}${'' | ' '}${Unit | Capitalize<Unit> | Uppercase<Unit>}`;

export const DURATION_EXAMPLES = "'30 seconds', '10 s', '1.5h' or a number of milliseconds";

/** Whole milliseconds; NaN for what is not a duration. */
export function durationMs(duration: Duration): number {
  try {
    return Math.round(msToNumber(duration));
  } catch {
    return Number.NaN;
  }
}
