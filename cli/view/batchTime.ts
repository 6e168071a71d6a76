// How long a batch of tool calls took according to history: from the first schedule to the last end.
import type { Run } from '../../core/read/run.ts';
import { plural } from '../../core/text.ts';
import { seconds } from '../terminal/screen.ts';

export interface BatchTime {
  readonly tools: number;
  readonly ms: number;
}

/** Returns the time of the first batch in which two or more calls ran, or null. */
export function batchTime(run: Run): BatchTime | null {
  for (const { calls } of run.turns) {
    const executed = calls.filter((call) => call.scheduledAtMs !== null && call.endedAtMs !== null);
    if (executed.length < 2) continue;
    const from = Math.min(...executed.map((call) => call.scheduledAtMs ?? 0));
    const to = Math.max(...executed.map((call) => call.endedAtMs ?? 0));
    return { tools: executed.length, ms: to - from };
  }
  return null;
}

/** `4 tools: 0.21 s together, 0.70 s one after another (3.3×)`. */
export function comparison(together: BatchTime, sequential: BatchTime | null): string {
  const first = `${plural(together.tools, 'tool')}: ${seconds(together.ms)} together`;
  if (sequential?.tools !== together.tools)
    return `${first}; not comparable: the second time the model called ${plural(sequential?.tools ?? 0, 'tool')}.`;
  const factor = sequential.ms / Math.max(1, together.ms);
  return `${first}, ${seconds(sequential.ms)} one after another (${factor.toFixed(1)}×)`;
}
