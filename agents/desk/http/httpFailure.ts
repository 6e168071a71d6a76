// Turns an HTTP status into a ToolError: whether to retry, and when.
import { ToolError } from '../../../activities/index.ts';

export function httpFailure(host: string, status: number, retryAfter?: string): ToolError {
  const retry = status === 408 || status === 429 || status >= 500;
  const retryAfterMs = retry ? delayOf(retryAfter) : undefined;
  return new ToolError(`${host} answered with HTTP ${status}.`, {
    retry,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

/** Parses Retry-After as in RFC 9110, seconds or a date; undefined for anything else. The engine caps it. */
function delayOf(retryAfter: string | undefined): number | undefined {
  if (!retryAfter) return undefined;
  const ms = /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1_000 : Date.parse(retryAfter) - Date.now();
  return Number.isFinite(ms) && ms >= 0 ? ms : undefined;
}
