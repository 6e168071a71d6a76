// Durations are Temporal's: the SDK's parser reads them everywhere, in agents, tools, schedules and on the command line.
import { msToNumber } from '@temporalio/common/lib/time.js';

// Spelled out here, because the SDK's `Duration` is `any` with Node's module resolution: its `ms` has no types for that.
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

/** Returns whole milliseconds; NaN for an invalid duration. */
export function durationMs(duration: Duration): number {
  try {
    return Math.round(msToNumber(duration));
  } catch {
    return Number.NaN;
  }
}
