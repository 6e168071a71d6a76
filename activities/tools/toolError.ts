// The error that a tool throws on purpose.
import { capped } from '../httpRetry.ts';

/**
 * A failure that is not retried: the model reads it at once. With `retry: true` it is retried by the tool's policy, and
 * not before `retryAfterMs` if that is given.
 *
 * ```ts
 * throw new ToolError('Order 4711 is closed; refunds need an open order.');
 * ```
 */
export class ToolError extends Error {
  override readonly name = 'ToolError';
  readonly retry: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: { retry?: boolean; retryAfterMs?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.retry = options.retry ?? options.retryAfterMs !== undefined;
    this.retryAfterMs = options.retryAfterMs === undefined ? undefined : capped(options.retryAfterMs);
  }
}
