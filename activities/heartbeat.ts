// Sends heartbeats for as long as an activity runs. They tell a dead worker from a slow tool, deliver cancellations, and
// carry streamed text and progress.
import { Context } from '@temporalio/activity';

export interface Heartbeats {
  /** Sets the details of the next heartbeats. `details` is called only when one is sent: most updates never are. */
  report(details: () => unknown): void;
  stop(): void;
}

/**
 * Shortest interval between heartbeats with new details. An activity that ends sooner sends none: a heartbeat takes the
 * run's lock on the server, which would slow down the very turn that it reports.
 */
const DETAILS_MS = 100;

/** A cancellation arrives with the response to a heartbeat, so a tool receives it after this time at the latest. */
const CANCEL_MS = 2_000;

/** `first`: the details until others are reported. */
export function startHeartbeats(heartbeatMs: number, first?: object): Heartbeats {
  const context = Context.current();
  let details = (): unknown => first;
  let hasNewDetails = false;
  let lastMs = performance.now();

  function beat(): void {
    context.heartbeat(details());
    hasNewDetails = false;
    lastMs = performance.now();
  }

  // Three heartbeats fit into the timeout: one may be late and one may be lost.
  const aliveMs = Math.min(heartbeatMs / 3, CANCEL_MS);
  const timer = setInterval(
    () => {
      if (hasNewDetails || performance.now() - lastMs >= aliveMs) beat();
    },
    Math.min(DETAILS_MS, aliveMs),
  );
  timer.unref();
  return {
    report(next) {
      details = next;
      hasNewDetails = true;
    },
    stop: () => clearInterval(timer),
  };
}
