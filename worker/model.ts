// Opens the model of a worker: the one that its settings name, or the offline script if they name none.
import { createEndpoint, type ModelEndpoint } from '../activities/model/endpoint.ts';
import { createModels, type Models, type ModelsOptions, modelsProblem, OWN } from '../activities/model/models.ts';
import type { Registry } from '../activities/registry.ts';

/** A server of models, beside the worker's own. */
export interface ProviderSettings extends Pick<ModelSettings, 'silenceMs' | 'timeoutMs'> {
  /** Without a key and a `baseURL`, the offline script plays the agents that use this provider, or the worker's own server does. */
  readonly apiKey?: string | undefined;
  /** As of `model`. @default OpenAI's */
  readonly baseURL?: string | undefined;
  /** Sent with every request. They are never recorded. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Fields of every request. An agent's own `body` comes first. */
  readonly body?: Readonly<Record<string, unknown>>;
  /** Sends the requests: for a proxy, a signature, a log. */
  readonly fetch?: typeof fetch;
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
    silenceMs: milliseconds(env, 'HOLDFAST_MODEL_SILENCE_MS'),
    outageMs: milliseconds(env, 'HOLDFAST_MODEL_OUTAGE_MS'),
    offlineDelayMs: milliseconds(env, 'HOLDFAST_MODEL_DELAY_MS'),
  };
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
  for (const agent of registry.agents.values()) {
    const problem = modelsProblem(agent, providers);
    if (problem) throw new TypeError(problem);
  }
  const others = [...providers].flatMap(([name, endpoint]) => (endpoint ? [`${name} at ${endpoint.address}`] : []));
  const { own, description, ...rest } = await openOwn(settings, registry);
  return {
    ...rest,
    models: createModels({ own, modelBy: modelByOf(settings), providers }),
    description: [description, ...others].join('; '),
  };
}

function modelByOf({ apiKey, baseURL, model }: ModelSettings): ModelsOptions['modelBy'] {
  if (apiKey === undefined && baseURL === undefined) return 'script';
  return model === undefined ? 'agent' : 'worker';
}

function openProviders(providers: Providers): Map<string, ModelEndpoint | null> {
  return new Map(
    Object.entries(providers).map(([name, settings]) => {
      const wrong = (problem: string) => new TypeError(`Provider ${JSON.stringify(name)}: ${problem}`);
      if (!PROVIDER_NAME.test(name) || name === OWN)
        throw wrong(`the name must be a letter, then up to 31 letters, digits, "_" or "-", and not "${OWN}".`);
      const { apiKey, baseURL, headers, body, fetch: send, silenceMs, timeoutMs } = settings ?? {};
      if (send !== undefined && typeof send !== 'function') throw wrong('fetch must be a function.');
      for (const [option, fields] of Object.entries({ headers, body }))
        if (fields !== undefined && (typeof fields !== 'object' || fields === null || Array.isArray(fields)))
          throw wrong(`${option} must be an object.`);
      if (!apiKey && !baseURL) return [name, null];
      return [
        name,
        createEndpoint({ apiKey: apiKey || 'none', baseURL, headers, body, fetch: send, silenceMs, timeoutMs }),
      ];
    }),
  );
}

const PROVIDER_NAME = /^[a-zA-Z][a-zA-Z0-9_-]{0,31}$/;

type OwnModel = Omit<WorkerModel, 'models'> & { readonly own: ModelEndpoint };

async function openOwn(settings: ModelSettings, registry: Registry): Promise<OwnModel> {
  const { apiKey, baseURL, model, silenceMs, timeoutMs, outageMs } = settings;
  if (apiKey === undefined && baseURL === undefined) return openOffline(settings, registry);
  // Self-hosted servers often need no key, but the client requires one.
  const own = createEndpoint({ apiKey: apiKey ?? 'none', baseURL, model, silenceMs, timeoutMs, outageMs });
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
