// What went wrong with a model call, classified once: whether another try may mend it, and what a person should do.
import { ApplicationFailure } from '@temporalio/common';
import { APIConnectionError, APIError } from 'openai';
import { ERROR_CHARS_MAX } from '../../core/limits.ts';
import { FAILURE } from '../../core/names.ts';
import { cutText, oneLine } from '../../core/text.ts';
import { retryAfterMs } from '../retryAfter.ts';
import { isRetryableStatus } from '../tools/thrown.ts';
import { publicAddress } from './endpoint.ts';

/** The model answered with something that is no answer. Another try may bring a better one. */
export function badAnswer(message: string): ApplicationFailure {
  return ApplicationFailure.retryable(cutText(message, ERROR_CHARS_MAX), FAILURE.model);
}

interface Where {
  readonly baseURL: string;
  readonly model: string;
  readonly apiKey: string;
  /** Whether a conversation that is too long can be compacted. */
  readonly compacts?: boolean;
}

export function modelFailure(thrown: unknown, where: Where): ApplicationFailure {
  // One of our own, which may quote what the server said.
  if (thrown instanceof ApplicationFailure) return badAnswer(withoutSecrets(thrown.message, where));
  // Without a status: the connection failed, or the error came inside a stream.
  const status = thrown instanceof APIError ? thrown.status : undefined;
  const delayMs = thrown instanceof APIError ? retryAfterMs(thrown.headers) : undefined;
  const failure = ApplicationFailure.create({
    message: cutText(withoutSecrets(`${describe(thrown, where)}${advice(thrown, where)}`, where), ERROR_CHARS_MAX),
    type: typeOf(thrown, where),
    nonRetryable: (status !== undefined && !isRetryableStatus(status)) || isTooLong(thrown),
    ...(delayMs !== undefined && { nextRetryDelay: delayMs }),
  });
  failure.stack = failure.message;
  return failure;
}

function describe(thrown: unknown, { baseURL }: Where): string {
  if (thrown instanceof APIConnectionError)
    return `Cannot reach the model at ${publicAddress(baseURL)}: ${reasonOf(thrown)}`;
  if (thrown instanceof Error) return `The model call failed: ${oneLine(thrown.message, 2_000)}`;
  return 'The model call failed.';
}

/** The innermost cause says what happened (`connect ECONNREFUSED …`), the outer ones only that something did. */
function reasonOf(error: Error): string {
  let innermost = error;
  for (let i = 0; i < 5 && innermost.cause instanceof Error; i++) innermost = innermost.cause;
  return oneLine(innermost.message || innermost.name, 500);
}

function advice(thrown: unknown, { model }: Where): string {
  if (!(thrown instanceof APIError)) return '';
  if (isTooLong(thrown)) return TOO_LONG;
  switch (thrown.status) {
    case 401:
    case 403:
      return ' Check OPENAI_API_KEY on the worker.';
    case 404:
      return ` Check the model's name (${model}; OPENAI_MODEL overrides it) and OPENAI_BASE_URL.`;
    default:
      return '';
  }
}

const TOO_LONG =
  " The conversation is longer than the model can read. Say in the agent's compaction.limitTokens what it can read, let tools " +
  'return less, or use a model that reads more.';

function typeOf(thrown: unknown, { compacts }: Where): string {
  if (isRefusal(thrown)) return FAILURE.refused;
  return compacts && isTooLong(thrown) ? FAILURE.contextExceeded : FAILURE.model;
}

/** OpenAI has a code for it. Other servers say it in words, and with several statuses. */
function isTooLong(thrown: unknown): boolean {
  if (!(thrown instanceof APIError)) return false;
  if (thrown.code === 'context_length_exceeded') return true;
  if (thrown.status !== undefined && ![400, 413, 422].includes(thrown.status)) return false;
  return TOO_LONG_WORDS.test(thrown.message);
}

const TOO_LONG_WORDS = new RegExp(
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

/** Tokens that the model can read, where a refusal says so: `maximum context length is 8192 tokens`. */
export function saidLimit(refusal = ''): number | undefined {
  const [, after, before] =
    /(?:maximum|context)[^.\d]{0,60}?(\d[\d,]{2,})|(?:>|with) (\d[\d,]{2,}) (?:tokens )?max/i.exec(refusal) ?? [];
  const limit = after ?? before;
  return limit === undefined ? undefined : Number(limit.replaceAll(',', ''));
}

function isRefusal(thrown: unknown): boolean {
  return thrown instanceof APIError && thrown.code === 'content_filter';
}

/** Providers quote the key that they refuse; it must not get into history. */
function withoutSecrets(text: string, { apiKey, baseURL }: Where): string {
  const { username, password } = URL.parse(baseURL) ?? {};
  const ours = [apiKey, username, password].filter(
    (secret) => secret !== undefined && secret.length >= SECRET_CHARS_MIN,
  );
  return ours
    .reduce<string>((hidden, secret) => hidden.replaceAll(secret!, '[hidden]'), text)
    .replace(/\b(sk|key|pk)-[\w*.-]{4,}/gi, '$1-[hidden]')
    .replace(/Bearer\s+\S+/gi, 'Bearer [hidden]');
}

/** Shorter ones (`none`, `offline`) are words that stand in for a key. */
const SECRET_CHARS_MIN = 8;
