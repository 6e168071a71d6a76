// Sends one request to the model and reads the streamed answer. Gives up when the stream falls silent, and never takes an
// answer that was cut off for a complete one.
import { Stream } from 'openai/streaming';
import { ANSWER_BYTES_MAX, ANSWER_CALLS_MAX } from '../../core/limits.ts';
import { reason } from '../../core/reasons/reason.ts';
import { count, inWords, oneLine } from '../../core/text.ts';
import type { Message } from '../../core/types.ts';
import type { Agent, OutputFormat } from '../define/types.ts';
import { type AnswerBuilder, buildAnswer, fieldsOf, listOf, type RawAnswer } from './answer.ts';
import { badAnswer } from './badAnswer.ts';
import type { ModelEndpoint } from './endpoint.ts';
import { modelFailure } from './modelFailure.ts';
import { isStream } from './modelFetch.ts';
import { withProviderData } from './providerData.ts';
import type { OptionalField } from './refusedFields.ts';
import { errorInAnswer } from './serverError.ts';

export interface ModelsAnswer extends RawAnswer {
  /** The address of the server that answered. */
  readonly from: string;
}

export interface StreamOptions {
  readonly signal: AbortSignal;
  onProgress(answer: AnswerBuilder): void;
  /** Writes to the worker's log. */
  warn?(message: string): void;
}

export async function streamAnswer(
  endpoint: ModelEndpoint,
  agent: Agent,
  messages: readonly Message[],
  options: StreamOptions,
): Promise<ModelsAnswer> {
  const { signal, onProgress, warn } = options;
  const model = endpoint.modelFor(agent);
  const { silenceMs, timeoutMs } = endpoint;
  const body = requestBody(
    agent,
    model,
    messages,
    endpoint.address,
    (field) => !endpoint.refused.has(model, agent.name, field),
  );
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
    const response = await endpoint.client.chat.completions
      .create(body, {
        signal: request.signal,
        timeout: timeoutMs,
      })
      .asResponse();
    const answer = buildAnswer();
    for await (const part of parts(response, request)) {
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
    if (built.finishReasons.includes('error')) throw badAnswer("The model's server ended its answer with an error.");
    return { ...built, model: endpoint.secrets.hide(built.model), from: endpoint.address };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (isSilent) throw silent(silenceMs);
    const field = endpoint.refused.learn(error, model, agent.name, body);
    if (field !== null) {
      const { message } = modelFailure(error, { endpoint, model });
      warn?.(`The model of ${agent.name} does not accept ${field}; ${INSTEAD[field] ?? 'it is left out'}: ${message}`);
      return await streamAnswer(endpoint, agent, messages, options);
    }
    const compacts = agent.compaction !== null;
    throw modelFailure(error, { endpoint, model, compacts });
  } finally {
    clearTimeout(silence);
    signal.removeEventListener('abort', abort);
  }
}

const INSTEAD: Partial<Readonly<Record<OptionalField, string>>> = {
  max_completion_tokens: 'max_tokens is sent instead',
  response_format: 'its output schema goes into the instructions instead',
};

function responseFormat({ json, strict }: OutputFormat): StreamedRequest['response_format'] {
  return {
    type: 'json_schema',
    json_schema: { name: 'output', strict: strict !== null, schema: { ...(strict ?? json) } },
  };
}

function withSchemaInInstructions([system, ...rest]: readonly Message[], { json }: OutputFormat): readonly Message[] {
  const text = `Your last answer has to be JSON that fits this schema, and nothing else: ${JSON.stringify(json)}`;
  if (system?.role !== 'system') return [{ role: 'system', content: text }, ...(system ? [system] : []), ...rest];
  return [{ role: 'system', content: `${system.content}\n\n${text}` }, ...rest];
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

type StreamedRequest = Parameters<ModelEndpoint['client']['chat']['completions']['create']>[0] & { stream: true };

function requestBody(
  agent: Agent,
  model: string,
  messages: readonly Message[],
  address: string,
  takes: (field: OptionalField) => boolean,
): StreamedRequest {
  const { output, temperature, maxOutputTokens, parallelToolCalls } = agent;
  const tools = [...agent.tools.values()].map(({ name, description, parameters }) => ({
    type: 'function' as const,
    function: { name, description, parameters: { ...parameters } },
  }));
  return {
    model,
    // The client's types ask for mutable arrays, but it does not change them.
    messages: withProviderData(
      output && !takes('response_format') ? withSchemaInInstructions(messages, output) : messages,
      address,
    ) as unknown as StreamedRequest['messages'],
    stream: true,
    ...(takes('stream_options') && { stream_options: { include_usage: true } }),
    ...(tools.length > 0 && { tools }),
    ...(output && takes('response_format') && { response_format: responseFormat(output) }),
    ...(tools.length > 0 && agent.toolChoice !== undefined && { tool_choice: agent.toolChoice }),
    ...(tools.length > 0 &&
      parallelToolCalls !== undefined &&
      takes('parallel_tool_calls') && { parallel_tool_calls: parallelToolCalls }),
    ...(temperature !== undefined && takes('temperature') && { temperature }),
    ...(maxOutputTokens !== undefined && {
      [takes('max_completion_tokens') ? 'max_completion_tokens' : 'max_tokens']: maxOutputTokens,
    }),
  };
}

/** Yields the chunks of a stream, or the whole answer of a server that does not stream. Throws on anything else. */
async function* parts(response: Response, request: AbortController): AsyncGenerator<unknown> {
  if (isStream(response)) {
    yield* Stream.fromSSEResponse<unknown>(response, request);
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
  const { error, choices } = fieldsOf(whole);
  if (error) throw errorInAnswer(error, response.headers);
  if (listOf(choices, 'choices').length === 0) throw badAnswer('The model returned no choices.');
  yield whole;
}
