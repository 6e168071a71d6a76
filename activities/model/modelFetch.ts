// The fetch of the model's client. It limits what the model's server sends while it is read, after decompression, because the
// client reads lines and errors of any length. It follows no redirect: the request has the whole conversation in it.
import { MODEL_JSON_BYTES_MAX, MODEL_STREAM_BYTES_MAX } from '../../core/limits.ts';
import { reason } from '../../core/reasons/reason.ts';
import { cutText } from '../../core/text.ts';
import { isRetryableStatus } from '../httpRetry.ts';
import { badAnswer, hopelessAnswer } from './badAnswer.ts';
import { likeOpenAIs } from './serverError.ts';

/** `send` makes the request. */
export async function modelFetch(
  send: typeof fetch,
  input: string | URL | Request,
  init?: RequestInit,
): Promise<Response> {
  const response = await send(input, { ...init, redirect: 'manual' });
  const { status, body } = response;
  if (status >= 300 && status < 400) {
    await body?.cancel();
    throw hopelessAnswer(reason('model_redirected', { status, ...targetOf(response) }));
  }
  if (!body) return response;
  if (response.ok) return new Response(body.pipeThrough(isStream(response) ? limitStream() : limitBody()), response);
  // Read here: the client would take a failure to read an error for the error's text.
  const error = new Response(body.pipeThrough(limitBody(status)));
  return new Response(likeOpenAIs(await error.text()), response);
}

export function isStream({ headers }: Response): boolean {
  return headers.get('content-type')?.includes('text/event-stream') ?? false;
}

const TARGET_CHARS_MAX = 300;

/** Only the origin: the rest of the address may be secret. */
function targetOf({ url, headers }: Response): { readonly target?: string } {
  const { protocol, origin = '' } = URL.parse(headers.get('location') ?? '', url) ?? {};
  if (!headers.has('location') || (protocol !== 'http:' && protocol !== 'https:')) return {};
  return { target: cutText(origin, TARGET_CHARS_MAX) };
}

/** For what is parsed in one piece. `status` is that of an error. */
function limitBody(status?: number): TransformStream<Uint8Array, Uint8Array> {
  let bytes = 0;
  return new TransformStream({
    transform(chunk, controller) {
      bytes += chunk.length;
      const max = MODEL_JSON_BYTES_MAX;
      if (bytes > max) {
        const why = reason('model_answer_too_large', {
          part: 'body',
          bytes,
          max,
          ...(status !== undefined && { status }),
        });
        throw status === undefined || isRetryableStatus(status) ? badAnswer(why) : hopelessAnswer(why);
      }
      controller.enqueue(chunk);
    },
  });
}

const LF = 10;
const CR = 13;

/** For a stream of events, each of which ends with a blank line and is parsed in one piece. */
function limitStream(): TransformStream<Uint8Array, Uint8Array> {
  let streamBytes = 0;
  let eventBytes = 0;
  let lineEnds = 0;
  let last = 0;
  return new TransformStream({
    transform(chunk, controller) {
      streamBytes += chunk.length;
      if (streamBytes > MODEL_STREAM_BYTES_MAX) throw tooLarge('stream', streamBytes, MODEL_STREAM_BYTES_MAX);
      for (const byte of chunk) {
        eventBytes += 1;
        const endsLine = byte === CR || (byte === LF && last !== CR);
        if (endsLine) lineEnds += 1;
        else if (byte !== LF) lineEnds = 0;
        if (lineEnds > 1) eventBytes = 0;
        last = byte;
      }
      if (eventBytes > MODEL_JSON_BYTES_MAX) throw tooLarge('event', eventBytes, MODEL_JSON_BYTES_MAX);
      controller.enqueue(chunk);
    },
  });
}

function tooLarge(part: 'event' | 'stream', bytes: number, max: number) {
  return badAnswer(reason('model_answer_too_large', { part, bytes, max }));
}
