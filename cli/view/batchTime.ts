// How long a batch of tool calls took, from history: from the first one scheduled to the last one ended.
import type { Run } from '../../core/read/run.ts';
import { plural } from '../../core/text.ts';
import { seconds } from '../terminal/screen.ts';

export interface BatchTime {
  readonly tools: number;
  readonly ms: number;
}

/** The first batch of two calls or more that ran; null where there is none. */
export function batchTime(run: Run): BatchTime | null {
  for (const { calls } of run.turns) {
    const ran = calls.filter((call) => call.scheduledAtMs !== null && call.endedAtMs !== null);
    if (ran.length < 2) continue;
    const from = Math.min(...ran.map((call) => call.scheduledAtMs ?? 0));
    const to = Math.max(...ran.map((call) => call.endedAtMs ?? 0));
    return { tools: ran.length, ms: to - from };
  }
  return null;
}

/** `4 tools: 0.21 s together, 0.70 s one after another (3.3×)`. */
export function comparison(together: BatchTime, inTurn: BatchTime | null): string {
  const first = `${plural(together.tools, 'tool')}: ${seconds(together.ms)} together`;
  if (inTurn?.tools !== together.tools)
    return `${first}; the second time the model asked for ${plural(inTurn?.tools ?? 0, 'tool')}, so they do not compare.`;
  const factor = inTurn.ms / Math.max(1, together.ms);
  return `${first}, ${seconds(inTurn.ms)} one after another (${factor.toFixed(1)}×)`;
}
