// Turns the error of a model call into a failure: whether to retry, and what a person should do about it.
import { ApplicationFailure } from '@temporalio/common';
import { APIConnectionError, APIError } from 'openai';
import { ERROR_CHARS_MAX } from '../../core/limits.ts';
import { FAILURE } from '../../core/names.ts';
import { cutText, oneLine } from '../../core/text.ts';
import { isRetryableStatus, retryAfterMs } from '../httpRetry.ts';
import type { ModelEndpoint } from './endpoint.ts';
import { providersWords, statusOf } from './serverError.ts';

interface FailureContext {
  readonly endpoint: Pick<ModelEndpoint, 'address' | 'secrets' | 'options'>;
  readonly model: string;
  /** Whether the agent compacts a conversation that is too long. */
  readonly compacts?: boolean;
}

export function modelFailure(thrown: unknown, where: FailureContext): ApplicationFailure {
  const own = ownFailure(thrown);
  // It may quote the server.
  if (own) return Object.assign(own, { message: where.endpoint.secrets.hide(own.message) });
  const status = statusOf(thrown);
  const delayMs = thrown instanceof APIError ? retryAfterMs(thrown.headers) : undefined;
  const failure = ApplicationFailure.create({
    message: cutText(
      where.endpoint.secrets.hide(`${describe(thrown, where)}${advice(thrown, where)}`),
      ERROR_CHARS_MAX,
    ),
    type: typeOf(thrown, where),
    nonRetryable: (status !== undefined && !isRetryableStatus(status)) || isTooLong(thrown),
    ...(delayMs !== undefined && { nextRetryDelay: delayMs }),
  });
  failure.stack = failure.message;
  return failure;
}

/** Whether the failure is that nothing answered. */
export function isUnreachable(failure: unknown): boolean {
  return failure instanceof ApplicationFailure && failure.message.startsWith(UNREACHABLE);
}

const UNREACHABLE = 'Cannot reach the model at';

/** One of our own failures. The client wraps those of its fetch. */
function ownFailure(thrown: unknown): ApplicationFailure | null {
  if (thrown instanceof ApplicationFailure) return thrown;
  return thrown instanceof APIConnectionError ? ownFailure(thrown.cause) : null;
}

function describe(thrown: unknown, { endpoint }: FailureContext): string {
  if (thrown instanceof APIConnectionError) return `${UNREACHABLE} ${endpoint.address}: ${reasonOf(thrown)}`;
  if (thrown instanceof Error) return `The model call failed: ${oneLine(thrown.message, 2_000)}${quoted(thrown)}`;
  return 'The model call failed.';
}

function quoted(error: Error): string {
  const words = error instanceof APIError ? providersWords(error) : undefined;
  return words === undefined ? '' : ` (${oneLine(words, 1_000)})`;
}

/** The innermost cause has the details (`connect ECONNREFUSED …`); the outer ones say only that the request failed. */
function reasonOf(error: Error): string {
  let innermost = error;
  for (let i = 0; i < 5 && innermost.cause instanceof Error; i++) innermost = innermost.cause;
  return oneLine(innermost.message || innermost.name, 500);
}

function advice(thrown: unknown, { model, endpoint: { options } }: FailureContext): string {
  if (!(thrown instanceof APIError)) return '';
  if (isTooLong(thrown)) return TOO_LONG;
  switch (statusOf(thrown)) {
    case 401:
    case 403:
      return ` Check ${options.key} on the worker.`;
    case 404:
      return ` Check the model's name (${model}${options.model}) and ${options.url}.`;
    default:
      return '';
  }
}

const TOO_LONG =
  " The conversation exceeds the model's context window. Set the agent's compaction.limitTokens to its size, let tools return " +
  'less, or use a model with a larger one.';

function typeOf(thrown: unknown, { compacts }: FailureContext): string {
  if (isRefusal(thrown)) return FAILURE.refused;
  if (isTooLong(thrown)) return compacts ? FAILURE.contextExceeded : FAILURE.model;
  return isProvidersFault(thrown) ? FAILURE.modelUnavailable : FAILURE.model;
}

/** Whether the provider cannot be reached, is overloaded, or answers with a server error. Without a status, it may be anything. */
function isProvidersFault(thrown: unknown): boolean {
  if (!(thrown instanceof APIError) || thrown instanceof APIConnectionError) return true;
  const status = statusOf(thrown);
  return status !== undefined && isRetryableStatus(status);
}

/** OpenAI has a code for it. Other servers only have a message, with various statuses. */
function isTooLong(thrown: unknown): boolean {
  if (!(thrown instanceof APIError)) return false;
  if (thrown.code === 'context_length_exceeded') return true;
  const status = statusOf(thrown);
  if (status !== undefined && ![400, 413, 422].includes(status)) return false;
  return TOO_LONG_MESSAGES.test(thrown.message);
}

const TOO_LONG_MESSAGES = new RegExp(
  [
    'maximum context length',
    'context (?:length|window|size) (?:is |was )?exceed',
    "exceeds? the (?:available |maximum |model's )?context",
    '(?:prompt|input) is too long',
    'input token count.{0,40} exceeds',
    'too large for model with',
  ].join('|'),
  'i',
);

/** The context window, if the message of a refused request names it: `maximum context length is 8192 tokens`. */
export function statedLimit(refusal = ''): number | undefined {
  const [, after, before] =
    /(?:maximum|context)[^.\d]{0,60}?(\d[\d,]{2,})|(?:>|with) (\d[\d,]{2,}) (?:tokens )?max/i.exec(refusal) ?? [];
  const limit = after ?? before;
  return limit === undefined ? undefined : Number(limit.replaceAll(',', ''));
}

function isRefusal(thrown: unknown): boolean {
  return thrown instanceof APIError && thrown.code === 'content_filter';
}
