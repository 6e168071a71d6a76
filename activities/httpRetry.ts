// Whether and when to retry a request, by what a server answered: for the model and for tools.

/** Whether a request that failed with this HTTP status may succeed later. */
export function isRetryableStatus(status: number): boolean {
  return status === 408 || status === 409 || status === 425 || status === 429 || status >= 500 || status < 400;
}

/** The longest delay that a provider or tool may ask for with Retry-After. */
const RETRY_AFTER_MAX_MS = 60_000;

/**
 * The delay in `retry-after-ms` or `Retry-After` (seconds, or an HTTP date), capped; undefined if they are absent, zero,
 * negative or invalid.
 */
export function retryAfterMs(headers: Headers | undefined, nowMs = Date.now()): number | undefined {
  const exact = number(headers?.get('retry-after-ms'));
  if (exact !== undefined) return capped(exact);
  const text = headers?.get('retry-after')?.trim();
  if (!text) return undefined;
  const seconds = number(text);
  if (seconds !== undefined) return capped(seconds * 1_000);
  // Only what looks like a date: Date.parse reads "-5" as the year 2005.
  const atMs = /^[A-Za-z]{3}/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(atMs) ? undefined : capped(atMs - nowMs);
}

function number(text: string | null | undefined): number | undefined {
  return text && /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : undefined;
}

/** Undefined for a delay of 0, which leaves it to the retry policy: Temporal's server takes 0 to mean "never retry". */
export function capped(ms: number): number | undefined {
  return ms > 0 ? Math.min(ms, RETRY_AFTER_MAX_MS) : undefined;
}
