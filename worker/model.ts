// Opens the model of a worker: the one that its settings name, or the offline script if they name none.

import { isModelApi, type ModelApi } from '../activities/define/modelApi.ts';
import { type BodyHook, createEndpoint, type ModelEndpoint } from '../activities/model/endpoint.ts';
import {
  createModels,
  FINE_TUNED,
  type Models,
  type ModelsOptions,
  modelsProblem,
  OWN,
  PROVIDER_NAME,
} from '../activities/model/models.ts';
import type { Registry } from '../activities/registry.ts';

/** A server of models beside that of `model`. Its key stays on the worker, and is hidden wherever its server quotes it. */
export interface ProviderSettings extends Pick<ModelSettings, 'api' | 'silenceMs' | 'timeoutMs'> {
  /** From the worker's environment. Without a key and a `baseURL`, only the offline script, or the `model` that overrides all, answers in its place. */
  readonly apiKey?: string | undefined;
  /** Any server that speaks the Chat Completions API, as of `model`. @default OpenAI's */
  readonly baseURL?: string | undefined;
  /** Sent with each request, and hidden like the key. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Sends the requests, in place of the platform's. It must not follow redirects if the request asks for `manual`. */
  readonly fetch?: typeof fetch | undefined;
  /** Returns the body to send, for what this server wants otherwise: `(body) => ({ ...body, num_ctx: 32_768 })`. */
  readonly body?: BodyHook | undefined;
}

/** By the name that stands before the colon in an agent's `model`. */
export type Providers = Readonly<Record<string, ProviderSettings>>;

export interface ModelSettings {
  /** Optional for a server of your own, which `baseURL` names. */
  readonly apiKey?: string | undefined;
  /**
   * Any server that speaks the Chat Completions API. A login in it (`https://user:password@host/v1`) is sent as basic
   * authorization, in place of the key, and is never shown.
   * @default OpenAI's
   */
  readonly baseURL?: string | undefined;
  /**
   * The API to use where an agent names none: `'responses'` for OpenAI's.
   * @default 'chat'
   */
  readonly api?: ModelApi | undefined;
  /**
   * Overrides the model of every agent.
   * @default the `model` of each agent
   */
  readonly model?: string | undefined;
  /**
   * How long an answer may stall before the attempt fails and is retried.
   * @default 60 s
   */
  readonly silenceMs?: number | undefined;
  /**
   * How long one attempt may take, at most 10 minutes.
   * @default 10 minutes
   */
  readonly timeoutMs?: number | undefined;
  /**
   * How long a run waits while the model's provider is at fault: it cannot be reached, or answers with 429 or 5xx. 0: not at all.
   * @default 1 hour
   */
  readonly outageMs?: number | undefined;
  /** Delay of the offline script before each answer. */
  readonly offlineDelayMs?: number | undefined;
}

export interface WorkerModel {
  readonly models: Models;
  /** What answers model calls, for people to read. */
  readonly description: string;
  readonly isOffline: boolean;
  close(): Promise<void>;
}

export function modelSettingsFrom(env: NodeJS.ProcessEnv): ModelSettings {
  return {
    apiKey: env['OPENAI_API_KEY'] || undefined,
    baseURL: env['OPENAI_BASE_URL'] || undefined,
    model: env['OPENAI_MODEL'] || undefined,
    api: apiFrom(env['HOLDFAST_MODEL_API'], 'HOLDFAST_MODEL_API'),
    silenceMs: milliseconds(env, 'HOLDFAST_MODEL_SILENCE_MS'),
    outageMs: milliseconds(env, 'HOLDFAST_MODEL_OUTAGE_MS'),
    offlineDelayMs: milliseconds(env, 'HOLDFAST_MODEL_DELAY_MS'),
  };
}

function apiFrom(api: string | undefined, option: string): ModelApi | undefined {
  if (!api) return undefined;
  if (isModelApi(api)) return api;
  throw new TypeError(`${option} is "${api}". Set it to chat or responses.`);
}

function milliseconds(env: NodeJS.ProcessEnv, name: string): number | undefined {
  const text = env[name];
  if (!text) return undefined;
  const ms = Number(text);
  if (!(ms >= 0 && ms < 2 ** 31))
    throw new TypeError(`${name} is "${text}". Set it to milliseconds, for example 180000.`);
  return ms;
}

export async function openModel(
  settings: ModelSettings,
  registry: Registry,
  given: Providers = {},
): Promise<WorkerModel> {
  const providers = openProviders(given);
  const modelBy = modelByOf(settings);
  for (const agent of registry.agents.values()) {
    const problem = modelsProblem(agent, { providers, modelBy });
    if (problem) throw new TypeError(problem);
  }
  const others = [...providers].flatMap(([name, endpoint]) => (endpoint ? [`${name} at ${endpoint.address}`] : []));
  const { own, description, ...rest } = await openOwn(settings, registry);
  return {
    ...rest,
    models: createModels({ own, modelBy, providers }),
    description: [description, ...others].join('; '),
  };
}

function modelByOf({ apiKey, baseURL, model }: ModelSettings): ModelsOptions['modelBy'] {
  if (apiKey === undefined && baseURL === undefined) return 'script';
  return model === undefined ? 'agent' : 'worker';
}

export function openProviders(providers: Providers): Map<string, ModelEndpoint | null> {
  if (typeof providers !== 'object' || providers === null || Array.isArray(providers))
    throw new TypeError('providers must be an object by name, such as { local: { baseURL: "…" } }.');
  return new Map(Object.entries(providers).map(([name, settings]) => [name, openProvider(name, settings)]));
}

const PROVIDER_OPTIONS = ['apiKey', 'baseURL', 'api', 'headers', 'fetch', 'body', 'silenceMs', 'timeoutMs'];

function openProvider(name: string, settings: ProviderSettings): ModelEndpoint | null {
  const wrong = (problem: string) => new TypeError(`providers.${name}${problem}`);
  if (!PROVIDER_NAME.test(name) || name === OWN || name === FINE_TUNED)
    throw wrong(
      `: the name must be of letters, "_" and "-", and not "${OWN}", which "model" sets, or "${FINE_TUNED}".`,
    );
  if (typeof settings !== 'object' || settings === null) throw wrong(' must be an object, such as { baseURL: "…" }.');
  const unknown = Object.keys(settings).find((key) => !PROVIDER_OPTIONS.includes(key));
  if (unknown !== undefined) throw wrong(`.${unknown} is not an option. There are ${PROVIDER_OPTIONS.join(', ')}.`);
  const { apiKey, baseURL, headers, body, fetch: send, silenceMs, timeoutMs } = settings;
  const api = apiFrom(settings.api, `providers.${name}.api`);
  for (const [hook, value] of Object.entries({ fetch: send, body }))
    if (value !== undefined && typeof value !== 'function') throw wrong(`.${hook} must be a function.`);
  const isHeaders = typeof headers === 'object' && headers !== null && !Array.isArray(headers);
  if (headers !== undefined && !(isHeaders && Object.values(headers).every((value) => typeof value === 'string')))
    throw wrong('.headers must be an object of strings.');
  for (const [limit, value] of Object.entries({ silenceMs, timeoutMs }))
    if (value !== undefined && !(value > 0 && value < 2 ** 31))
      throw wrong(`.${limit} must be a number of milliseconds above 0.`);
  if (!apiKey && !baseURL) return null;
  // Servers of one's own often need no key, but the client requires one.
  return createEndpoint({
    name,
    apiKey: apiKey || 'none',
    baseURL,
    api,
    headers,
    body,
    fetch: send,
    silenceMs,
    timeoutMs,
  });
}

type OwnModel = Omit<WorkerModel, 'models'> & { readonly own: ModelEndpoint };

async function openOwn(settings: ModelSettings, registry: Registry): Promise<OwnModel> {
  const { apiKey, baseURL, model, silenceMs, timeoutMs, outageMs } = settings;
  const api = apiFrom(settings.api, 'model.api');
  if (apiKey === undefined && baseURL === undefined) return openOffline(settings, registry);
  // Self-hosted servers often need no key, but the client requires one.
  const own = createEndpoint({ apiKey: apiKey ?? 'none', baseURL, api, model, silenceMs, timeoutMs, outageMs });
  return {
    own,
    description: `${own.secrets.hide(model ?? 'the model of each agent')} at ${own.address}`,
    isOffline: false,
    close: async () => {},
  };
}

async function openOffline(
  { offlineDelayMs, silenceMs, outageMs }: ModelSettings,
  registry: Registry,
): Promise<OwnModel> {
  // Loaded lazily: a worker with a model never needs it.
  const { offlineModel, startScriptedModel } = await import('../activities/testing/index.ts');
  const script = await startScriptedModel({
    agents: registry.agents.values(),
    ...(offlineDelayMs !== undefined && { delayMs: offlineDelayMs }),
  });
  // A worker that is not created, for another reason, is not run, either, and nobody would close this.
  script.unref();
  return {
    own: createEndpoint({
      apiKey: 'offline',
      baseURL: script.baseURL,
      silenceMs,
      outageMs,
      model: (agent) => offlineModel(agent.name),
    }),
    description: 'the offline script of each agent, not a model (no OPENAI_API_KEY is set)',
    isOffline: true,
    close: () => script.close(),
  };
}
