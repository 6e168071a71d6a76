// Sends one request to the model and reads the streamed answer. Gives up when the stream falls silent, and never takes an
// answer that was cut off for a complete one.
import { Stream } from 'openai/streaming';
import { ANSWER_BYTES_MAX, ANSWER_CALLS_MAX } from '../../core/limits.ts';
import { reason } from '../../core/reasons/reason.ts';
import { count, inWords, oneLine } from '../../core/text.ts';
import type { Message } from '../../core/types.ts';
import { fieldsOf } from '../../core/wire/fields.ts';
import type { LoadedAttachments } from '../../core/wire/parts.ts';
import type { ModelApi } from '../define/modelApi.ts';
import type { Agent } from '../define/types.ts';
import { type AnswerBuilder, buildAnswer, listOf, type RawAnswer } from './answer.ts';
import { badAnswer } from './badAnswer.ts';
import type { ModelEndpoint } from './endpoint.ts';
import { endingOf } from './finish.ts';
import { modelFailure } from './modelFailure.ts';
import { isStream } from './modelFetch.ts';
import { insteadOf, refusedIn } from './refusals.ts';
import { apiOf, requestBody, sourceOf, wireForm } from './requestBody.ts';
import type { SentRequest } from './requestRecord.ts';
import { readEvents } from './responses/events.ts';
import { errorInAnswer, errorOf } from './serverError.ts';

export interface ModelsAnswer extends RawAnswer {
  /** The `source` of the endpoint that answered, and the model that it was asked for. */
  readonly from: string;
  readonly asked: string;
}

export interface SentAnswer extends ModelsAnswer {
  readonly sent: SentRequest;
}

export interface StreamOptions {
  readonly signal: AbortSignal;
  /** Of the messages. @default none */
  readonly attachments?: LoadedAttachments;
  onProgress(answer: AnswerBuilder): void;
  /** Writes to the worker's log. */
  warn?(message: string): void;
}

export async function streamAnswer(
  endpoint: ModelEndpoint,
  agent: Agent,
  messages: readonly Message[],
  options: StreamOptions,
  refused = endpoint.refusals.of(endpoint.modelFor(agent), agent.name),
): Promise<SentAnswer> {
  const { signal, warn } = options;
  const model = endpoint.modelFor(agent);
  const body = requestBody(endpoint, agent, messages, refused, options.attachments);
  try {
    const answer = await sendRequest(endpoint, apiOf(endpoint, agent), body, new Set(agent.tools.keys()), options);
    endpoint.refusals.remember(model, agent.name, refused);
    return {
      ...answer,
      model: endpoint.secrets.hide(answer.model),
      from: sourceOf(endpoint, agent),
      asked: endpoint.secrets.hide(model),
      sent: { body, form: wireForm(endpoint, agent, refused) },
    };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const what = refusedIn(error, body, refused);
    if (what !== null) {
      const { message } = modelFailure(error, { endpoint, model });
      warn?.(`The model of ${agent.name} does not take ${what}; ${insteadOf(what)}: ${message}`);
      return await streamAnswer(endpoint, agent, messages, options, new Set([...refused, what]));
    }
    const compacts = agent.compaction !== null;
    throw modelFailure(error, { endpoint, model, compacts });
  }
}

/** Sends a body as it is, and reads the answer. Throws what the client throws. `tools`: the names in it. */
export async function sendRequest(
  endpoint: Pick<ModelEndpoint, 'client' | 'silenceMs' | 'timeoutMs'>,
  api: ModelApi,
  body: Readonly<Record<string, unknown>>,
  tools: ReadonlySet<string>,
  { signal, onProgress }: Pick<StreamOptions, 'signal' | 'onProgress'>,
): Promise<RawAnswer> {
  const { silenceMs, timeoutMs } = endpoint;
  const request = new AbortController();
  const abort = () => request.abort(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  // The stream aborts the request too, if it is left early; so remember who ended it.
  let isSilent = false;
  const silence = setTimeout(() => {
    isSilent = true;
    request.abort();
  }, silenceMs);
  try {
    const response = await endpoint.client
      .post(PATHS[api], { body, stream: true, signal: request.signal, timeout: timeoutMs })
      .asResponse();
    const answer = buildAnswer(tools);
    for await (const part of api === 'responses' ? chunks(response, request) : parts(response, request, 'choices')) {
      silence.refresh();
      answer.add(part);
      checkSize(answer);
      onProgress(answer);
    }
    if (signal.aborted) throw signal.reason;
    if (isSilent) throw silent(silenceMs);
    if (!answer.isFinished()) throw badAnswer('The model ended its answer early, without a finish_reason.');
    const built = answer.build();
    // OpenRouter ends a stream so, also without saying more.
    if (endingOf(built.finishReasons) === 'failed')
      throw badAnswer(`The model's server ended its answer with an error (${built.finishReasons.join(', ')}).`);
    return built;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (isSilent) throw silent(silenceMs);
    throw error;
  } finally {
    clearTimeout(silence);
    signal.removeEventListener('abort', abort);
  }
}

function checkSize(answer: AnswerBuilder): void {
  const { calls, bytes } = answer.size();
  if (calls > ANSWER_CALLS_MAX) throw badAnswer(`The model made more than ${count(ANSWER_CALLS_MAX)} calls at once.`);
  if (bytes > ANSWER_BYTES_MAX)
    throw badAnswer(reason('model_answer_too_large', { part: 'answer', bytes, max: ANSWER_BYTES_MAX }));
}

function silent(silenceMs: number): Error {
  return badAnswer(`The model sent nothing for ${inWords(silenceMs)}.`);
}

const PATHS = { chat: '/chat/completions', responses: '/responses' } as const;

/** The events of the Responses API, as chunks of Chat Completions. */
async function* chunks(response: Response, request: AbortController): AsyncGenerator<unknown> {
  const events = readEvents(response.headers);
  for await (const event of parts(response, request, 'output')) {
    const read = events.read(event);
    yield* read;
    // Whatever comes shows that the stream is not silent.
    if (read.length === 0) yield { choices: [] };
  }
}

interface NamedEvent {
  readonly event: string | null;
  readonly data: unknown;
}

/**
 * Yields the chunks of a stream, or the whole answer of a server that does not stream. Throws on anything else, and on a whole answer
 * without a list of this name.
 */
async function* parts(
  response: Response,
  request: AbortController,
  list: 'choices' | 'output',
): AsyncGenerator<unknown> {
  if (isStream(response)) {
    const events = Stream.fromSSEResponse<NamedEvent>(response, request, undefined, true, 'events');
    for await (const { event, data } of events) {
      const error = event === 'error' ? fieldsOf(data)['error'] || data : errorOf(data);
      if (error) throw errorInAnswer(error, response.headers);
      yield data;
    }
    return;
  }
  const body = await response.text();
  let whole: unknown;
  try {
    whole = JSON.parse(body);
  } catch {
    const type = response.headers.get('content-type') || 'a body';
    throw badAnswer(`The model's server returned ${type} that is not JSON: ${oneLine(body, 200)}`);
  }
  const { [list]: listed } = fieldsOf(whole);
  const error = errorOf(whole);
  if (error) throw errorInAnswer(error, response.headers);
  if (listOf(listed, list).length === 0) throw badAnswer(`The model returned no ${list}.`);
  yield whole;
}
