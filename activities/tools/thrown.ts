// Reads what a tool threw: a bounded message, and whether to retry. Does not depend on Temporal, so that it can run in a
// worker thread, before the error's class is lost by cloning.
import { ERROR_CHARS_MAX } from '../../core/limits.ts';
import { cutText } from '../../core/text.ts';
import { isRetryableStatus, retryAfterMs } from '../httpRetry.ts';
import { resultText } from './jsonText.ts';
import { ToolError } from './toolError.ts';

const STACK_CHARS_MAX = 2_000;

export interface Thrown {
  readonly message: string;
  readonly retryable: boolean;
  /** Delay before the next attempt. @default by the tool's retry policy */
  readonly delayMs: number | undefined;
  /** The tool's stack trace; short, since it stays in history. */
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
  if (text === undefined || text === '') return 'the tool failed without a message';
  return cutText(typeof text === 'string' ? text.toWellFormed() : resultText(text, ERROR_CHARS_MAX), ERROR_CHARS_MAX);
}

function stackOf(thrown: unknown): string | undefined {
  const stack = read(() => (thrown instanceof Error ? thrown.stack : undefined));
  return typeof stack === 'string' ? stack : undefined;
}

function isRetryable(thrown: unknown): boolean {
  if (thrown instanceof ToolError) return thrown.retry;
  // Bugs fail the same way every time. But a TypeError with a cause is how fetch reports a network error, and a SyntaxError
  // may come from parsing a response, such as the HTML of a gateway.
  if (thrown instanceof ReferenceError) return false;
  if (thrown instanceof TypeError && thrown.cause === undefined) return false;
  const status = read(() => statusOf(thrown));
  return typeof status !== 'number' || isRetryableStatus(status);
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

/** Properties that HTTP clients add to their errors: fetch wrappers on the error itself, others on its response. */
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

/** A getter of the thrown value may throw in turn. */
function read<T>(get: () => T): T | undefined {
  try {
    return get();
  } catch {
    return undefined;
  }
}
