// One recorded request, asked again: of other models, with other instructions. Nothing that an answer calls is run.
import { isModelApi, MODEL_APIS, type ModelApi } from '../activities/define/modelApi.ts';
import type { Prices } from '../activities/define/prices.ts';
import { costOf, priceOf } from '../activities/define/prices.ts';
import type { RawAnswer } from '../activities/model/answer.ts';
import { createEndpoint, type ModelEndpoint } from '../activities/model/endpoint.ts';
import {
  withInstructions,
  withMessage,
  withoutProviderData,
  withoutRefused,
} from '../activities/model/frozenRequest.ts';
import { modelFailure } from '../activities/model/modelFailure.ts';
import { createModels, modelProblem } from '../activities/model/models.ts';
import { inOtherApi } from '../activities/model/otherApi.ts';
import { insteadOf, type Refusable, refusedIn } from '../activities/model/refusals.ts';
import { sendRequest } from '../activities/model/streamAnswer.ts';
import type { ModelRequest } from '../client/requests/requestOf.ts';
import { isTextType } from '../core/attachments.ts';
import { MESSAGE_BYTES_MAX } from '../core/limits.ts';
import { cutBytes } from '../core/text.ts';
import type { Attachment, Usage } from '../core/types.ts';
import { fieldsOf } from '../core/wire/fields.ts';
import { withStored } from '../core/wire/stored.ts';
import { type ModelSettings, openProviders, type Providers } from './model.ts';

export interface AskAgainOptions {
  /** The server for models without a provider, as of `createWorker`. */
  readonly model: Pick<ModelSettings, 'apiKey' | 'baseURL' | 'silenceMs' | 'timeoutMs'>;
  /** As of `createWorker`. */
  readonly providers?: Providers | undefined;
  /** Models to ask, with their provider if they have one: `local:qwen3`. @default the one that was asked */
  readonly models?: readonly string[] | undefined;
  /** How often to ask each of them. @default 1 */
  readonly times?: number | undefined;
  /** The API to ask through: the request is put into its form. @default the one that it was recorded with */
  readonly api?: ModelApi | undefined;
  /** Instructions in the place of those that were sent. */
  readonly instructions?: string | undefined;
  /** A message of the user after all others. */
  readonly message?: string | undefined;
  /** For the cost, as of `defineAgent`. */
  readonly prices?: Prices | undefined;
  /** Gets the bytes of images and files; the client's `download` does. Without it, a request with any is an error. */
  readonly download?: ((attachment: Attachment) => Promise<Uint8Array>) | undefined;
  /** Ends it: what has not answered by then is not in the result. */
  readonly signal?: AbortSignal | undefined;
  /** Called with each answer, in the order of the models. */
  readonly onAnswer?: ((answer: AskedAnswer) => void) | undefined;
}

/** An answer to a request that was asked again. */
export interface AskedAnswer {
  /** As it was named. */
  readonly model: string;
  readonly server: string;
  readonly api: ModelApi;
  /** From 1, for each model. */
  readonly number: number;
  /** Why there is no answer; null if there is one. */
  readonly error: string | null;
  readonly text: string | null;
  readonly calls: readonly { readonly tool: string; readonly arguments: string }[];
  readonly usage: Usage | null;
  /** null without a price. */
  readonly cost: number | null;
  readonly ms: number;
  /** What its server refused in the request, and what was sent instead. */
  readonly changed: readonly string[];
}

/** At once: more would rather find the limit of the server. */
const ASKED_AT_ONCE = 4;

/**
 * Asks a recorded request again. A model that fails is an answer with an `error`.
 *
 * ```ts
 * const request = await holdfast.get(id).request(3);
 * const answers = await askAgain(request, { model: { apiKey }, models: ['gpt-4o', 'gpt-4o-mini'], times: 5 });
 * ```
 */
export async function askAgain(request: ModelRequest, options: AskAgainOptions): Promise<AskedAnswer[]> {
  const { times = 1, signal = new AbortController().signal, onAnswer, models: named } = options;
  const problem = requestProblem(request);
  if (problem) throw new TypeError(problem);
  if (!Number.isSafeInteger(times) || times < 1)
    throw new TypeError(`times is ${times}. Set it to a whole number of at least 1.`);
  if (options.api !== undefined && !isModelApi(options.api))
    throw new TypeError(
      `api is ${JSON.stringify(options.api)}. Set it to ${MODEL_APIS.map((one) => `"${one}"`).join(' or ')}.`,
    );
  const endpoints = endpointsOf(named ?? [modelOf(request, options)], options);
  const body = await bodyOf(request, options);
  // requestProblem has refused a request without one.
  const asked = { ...request, api: options.api ?? request.api! };
  const asks = endpoints.flatMap((one) => Array.from({ length: times }, (_, i) => ({ ...one, number: i + 1 })));
  const answers = asks.map(() => Promise.withResolvers<AskedAnswer | null>());
  let next = 0;
  const work = async () => {
    for (let at = next++; at < asks.length; at = next++) {
      const answer = signal.aborted ? null : await ask(asked, body, asks[at]!, options, signal);
      answers[at]!.resolve(signal.aborted ? null : answer);
    }
  };
  const working = Array.from({ length: Math.min(ASKED_AT_ONCE, asks.length) }, work);
  const all: AskedAnswer[] = [];
  for (const { promise } of answers) {
    const answer = await promise;
    if (!answer) continue;
    all.push(answer);
    onAnswer?.(answer);
  }
  await Promise.all(working);
  return all;
}

/** The model that was asked, with its provider if there still is one of that name. */
function modelOf({ server, body }: ModelRequest, { providers = {} }: AskAgainOptions): string {
  const [name = ''] = server?.split(' at ', 1) ?? [];
  const model = String(body['model']);
  return Object.hasOwn(providers, name) ? `${name}:${model}` : model;
}

/** Why the request cannot be asked again; null if it can. */
export function requestProblem({ turn, compaction, api, body, unknown }: ModelRequest): string | null {
  // Without its tools, a model is not asked the same.
  const isWhole = api !== null && 'stream' in body;
  const of = compaction === undefined ? `turn ${turn}` : `compaction ${compaction}`;
  return isWhole ? null : `The request of ${of} cannot be asked again. ${unknown.join(' ')}`;
}

/** No server is named for a model without a provider. */
export class NoServer extends TypeError {}

interface Asked {
  readonly written: string;
  readonly endpoint: ModelEndpoint;
}

function endpointsOf(named: readonly string[], { model, providers: given = {} }: AskAgainOptions): Asked[] {
  const providers = openProviders(given);
  const { apiKey = 'none', baseURL, silenceMs, timeoutMs } = model;
  const hasOwn = model.apiKey !== undefined || baseURL !== undefined;
  const own = createEndpoint({ apiKey, baseURL, silenceMs, timeoutMs });
  const { endpointOf } = createModels({ own, modelBy: 'agent', providers });
  return named.map((written) => {
    const problem = modelProblem(written, { providers, modelBy: 'agent' });
    if (problem) throw new TypeError(`The model "${written}" cannot be asked: ${problem}`);
    const endpoint = endpointOf(written);
    if (endpoint.source === own.source && !hasOwn)
      throw new NoServer(`The model "${written}" has no server. Set apiKey or baseURL of model.`);
    return { written, endpoint };
  });
}

/** The body that all of them are sent, but for their names. */
async function bodyOf(
  { api, body: recorded, attachments }: ModelRequest,
  { instructions, message, download, api: wanted = api! }: AskAgainOptions,
): Promise<Readonly<Record<string, unknown>>> {
  const inPlace = new Map<string, string>();
  for (const attachment of attachments) {
    const { stored, type } = attachment;
    if (!stored || inPlace.has(stored.sha256) || !JSON.stringify(recorded).includes(stored.sha256)) continue;
    if (!download) throw new TypeError('The request has images or files. Pass download, such as that of the client.');
    const bytes = Buffer.from(await download(attachment));
    // As the worker has them.
    const text = () => cutBytes(bytes.toString('utf8'), MESSAGE_BYTES_MAX);
    inPlace.set(stored.sha256, isTextType(type) ? text() : bytes.toString('base64'));
  }
  const whole = inPlace.size === 0 ? recorded : withStored(recorded, (sha256) => inPlace.get(sha256));
  const formed = wanted === api ? whole : inOtherApi(whole, api!);
  const instructed = instructions === undefined ? formed : withInstructions(formed, wanted, instructions);
  return message === undefined ? instructed : withMessage(instructed, wanted, message);
}

async function ask(
  { api, server }: ModelRequest & { readonly api: ModelApi },
  frozen: Readonly<Record<string, unknown>>,
  { written, endpoint, number }: Asked & { readonly number: number },
  { prices }: AskAgainOptions,
  signal: AbortSignal,
): Promise<AskedAnswer> {
  const isSame = endpoint.source === server;
  // modelFor of an endpoint that was named does not look at the agent.
  const model = endpoint.modelFor(undefined as never);
  const plain = isSame ? frozen : withoutProviderData(frozen, api);
  const named = { ...plain, model };
  const refused: Refusable[] = [];
  let body: Readonly<Record<string, unknown>> = named;
  const startedAtMs = performance.now();
  const of = () => ({
    model: written,
    server: endpoint.address,
    api,
    number,
    ms: Math.round(performance.now() - startedAtMs),
    changed: refused.map((what) => `${what}: ${insteadOf(what)}`),
  });
  for (;;) {
    try {
      // The recorded body is what the hook of its own provider made of it.
      const sent = isSame || !endpoint.body ? body : { ...endpoint.body(body), stream: true };
      const answer = await sendRequest(endpoint, api, sent, new Set(toolNames(body)), {
        signal,
        onProgress: () => {},
      });
      return { ...of(), error: null, ...answerOf(answer, endpoint, model, prices) };
    } catch (error) {
      const what = signal.aborted ? null : refusedIn(error, body, new Set(refused));
      const without = what && withoutRefused(body, api, what);
      if (what && without) {
        refused.push(what);
        body = without;
        continue;
      }
      const { message } = modelFailure(error, { endpoint, model });
      return { ...of(), error: message, text: null, calls: [], usage: null, cost: null };
    }
  }
}

function answerOf(
  { content, refusal, calls, usage, model: answered }: RawAnswer,
  { secrets }: ModelEndpoint,
  model: string,
  prices: Prices = {},
): Pick<AskedAnswer, 'text' | 'calls' | 'usage' | 'cost'> {
  const price = priceOf(prices, secrets.hide(answered), model);
  return {
    text: content || refusal || null,
    calls: calls.map(({ name, arguments: args }) => ({ tool: name, arguments: args })),
    usage,
    cost: price ? costOf(usage, price) : null,
  };
}

function toolNames({ tools }: Readonly<Record<string, unknown>>): string[] {
  return (Array.isArray(tools) ? tools : []).flatMap((tool) => {
    const { name = fieldsOf(fieldsOf(tool)['function'])['name'] } = fieldsOf(tool);
    return typeof name === 'string' ? [name] : [];
  });
}
