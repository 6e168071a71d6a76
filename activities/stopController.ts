// An abort controller for work that an activity starts: it aborts when the activity is cancelled, or when its holder says so.
import { Context } from '@temporalio/activity';

export interface StopController {
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
  /** The activity has ended: no cancellation is awaited any more. */
  release(): void;
}

/** `AbortSignal.any` would do the same with weak references, at several times the cost. */
export function createStopController(): StopController {
  const controller = new AbortController();
  const { cancellationSignal } = Context.current();
  const cancel = () => controller.abort(cancellationSignal.reason);
  cancellationSignal.addEventListener('abort', cancel, { once: true });
  if (cancellationSignal.aborted) cancel();
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    release: () => cancellationSignal.removeEventListener('abort', cancel),
  };
}
