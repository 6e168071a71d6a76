// Heartbeats for the whole of an activity, sent by the host: they tell a dead worker from a slow tool, bring
// cancellations in, and carry the last known progress out.
import { Context } from '@temporalio/activity';

export interface Pulse {
  /** What the heartbeats carry from now on; sent at once, throttled by the SDK. */
  report(details: unknown): void;
  stop(): void;
}

export function startPulse(heartbeatMs: number, first?: unknown): Pulse {
  const context = Context.current();
  let details = first;
  const beat = () => context.heartbeat(details);
  // Three beats fit into the timeout: one may be late and one may be lost.
  const timer = setInterval(beat, heartbeatMs / 3);
  timer.unref();
  return {
    report(next) {
      details = next;
      beat();
    },
    stop: () => clearInterval(timer),
  };
}
