// Heartbeats for the whole of an activity, sent by the host: they tell a dead worker from a slow tool, bring
// cancellations in, and carry text and progress out.
import { Context } from '@temporalio/activity';

export interface Pulse {
  /** What the heartbeats carry from now on; made when one is sent, since most news never are. */
  report(details: () => unknown): void;
  stop(): void;
}

/**
 * News go out this often at most. An activity that is over sooner sends none at all: a heartbeat takes the run's lock on
 * the server, which would slow down the very turn it tells of.
 */
const NEWS_MS = 100;

/** A cancellation comes with the answer to a heartbeat: so long it takes at most until a tool hears of one. */
const CANCEL_MS = 2_000;

export function startPulse(heartbeatMs: number): Pulse {
  const context = Context.current();
  let details = (): unknown => undefined;
  let hasNews = false;
  let lastMs = performance.now();

  function beat(): void {
    context.heartbeat(details());
    hasNews = false;
    lastMs = performance.now();
  }

  // Three beats fit into the timeout: one may be late and one may be lost.
  const aliveMs = Math.min(heartbeatMs / 3, CANCEL_MS);
  const timer = setInterval(
    () => {
      if (hasNews || performance.now() - lastMs >= aliveMs) beat();
    },
    Math.min(NEWS_MS, aliveMs),
  );
  timer.unref();
  return {
    report(next) {
      details = next;
      hasNews = true;
    },
    stop: () => clearInterval(timer),
  };
}
