// What a tool threw, read once: in words, bounded, and whether to try again. It knows nothing of Temporal, so that a
// thread can read what was thrown in it, before an error's class is lost on its way out.
import { ERROR_CHARS_MAX } from '../../core/limits.ts';
import { cutText } from '../../core/text.ts';
import { retryAfterMs } from '../retryAfter.ts';
import { resultText } from './jsonText.ts';
import { ToolError } from './toolError.ts';

const STACK_CHARS_MAX = 2_000;

export interface Thrown {
  readonly message: string;
  readonly retryable: boolean;
  /** Not to be tried again before this; by the tool's own policy when not said. */
  readonly delayMs: number | undefined;
  /** The tool's; short, since it stays in history. */
  readonly stack: string;
}

export function readThrown(thrown: unknown): Thrown {
  const message = messageOf(thrown);
  return {
    message,
    retryable: isRetryable(thrown),
    delayMs: delayOf(thrown),
    stack: cutText(stackOf(thrown) ?? message, STACK_CHARS_MAX),
  };
}

function messageOf(thrown: unknown): string {
  const text = read(() => (thrown instanceof Error ? thrown.message || thrown.name : thrown));
  if (text === undefined || text === '') return 'the tool failed without saying why';
  return cutText(typeof text === 'string' ? text.toWellFormed() : resultText(text, ERROR_CHARS_MAX), ERROR_CHARS_MAX);
}

function stackOf(thrown: unknown): string | undefined {
  const stack = read(() => (thrown instanceof Error ? thrown.stack : undefined));
  return typeof stack === 'string' ? stack : undefined;
}

function isRetryable(thrown: unknown): boolean {
  if (thrown instanceof ToolError) return thrown.retry;
  // Mistakes in the program come back the same every time. A TypeError with a cause is fetch's way to say "no network",
  // and a SyntaxError comes from what somebody sent, such as the HTML of a gateway.
  if (thrown instanceof ReferenceError) return false;
  if (thrown instanceof TypeError && thrown.cause === undefined) return false;
  const status = read(() => statusOf(thrown));
  return typeof status !== 'number' || isRetryableStatus(status);
}

/** HTTP: what another try may mend. */
export function isRetryableStatus(status: number): boolean {
  return status === 408 || status === 409 || status === 425 || status === 429 || status >= 500 || status < 400;
}

function delayOf(thrown: unknown): number | undefined {
  if (thrown instanceof ToolError) return thrown.retryAfterMs;
  return read(() => {
    const { headers, response } = (thrown ?? {}) as HttpError;
    const found = headers ?? response?.headers;
    // Some clients keep headers as a plain object.
    if (!found) return undefined;
    return retryAfterMs(found instanceof Headers ? found : new Headers(found as Record<string, string>));
  });
}

/** What HTTP clients hang on their errors: fetch wrappers on the error itself, others on its response. */
interface HttpError {
  readonly status?: unknown;
  readonly statusCode?: unknown;
  readonly headers?: unknown;
  readonly response?: { readonly status?: unknown; readonly headers?: unknown };
}

function statusOf(thrown: unknown): unknown {
  const { status, statusCode, response } = (thrown ?? {}) as HttpError;
  return status ?? statusCode ?? response?.status;
}

/** A getter of what was thrown may throw in turn. */
function read<T>(get: () => T): T | undefined {
  try {
    return get();
  } catch {
    return undefined;
  }
}
