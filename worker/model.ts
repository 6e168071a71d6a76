// Opens the model of a worker: the one that its settings name, or the offline script if they name none.
import { createEndpoint, type ModelEndpoint } from '../activities/model/endpoint.ts';
import type { Registry } from '../activities/registry.ts';

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
  readonly endpoint: ModelEndpoint;
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

export async function openModel(settings: ModelSettings, registry: Registry): Promise<WorkerModel> {
  const { apiKey, baseURL, model, silenceMs, timeoutMs, outageMs } = settings;
  if (apiKey === undefined && baseURL === undefined) return openOffline(settings, registry);
  // Self-hosted servers often need no key, but the client requires one.
  const endpoint = createEndpoint({ apiKey: apiKey ?? 'none', baseURL, model, silenceMs, timeoutMs, outageMs });
  return {
    endpoint,
    description: `${endpoint.secrets.hide(model ?? 'the model of each agent')} at ${endpoint.address}`,
    isOffline: false,
    close: async () => {},
  };
}

async function openOffline({ offlineDelayMs, silenceMs }: ModelSettings, registry: Registry): Promise<WorkerModel> {
  // Loaded lazily: a worker with a model never needs it.
  const { offlineModel, startScriptedModel } = await import('../activities/testing/index.ts');
  const script = await startScriptedModel({
    agents: registry.agents.values(),
    ...(offlineDelayMs !== undefined && { delayMs: offlineDelayMs }),
  });
  // A worker that is not created, for another reason, is not run, either, and nobody would close this.
  script.unref();
  return {
    endpoint: createEndpoint({
      apiKey: 'offline',
      baseURL: script.baseURL,
      silenceMs,
      model: (agent) => offlineModel(agent.name),
    }),
    description: 'the offline script of each agent, not a model (no OPENAI_API_KEY is set)',
    isOffline: true,
    close: () => script.close(),
  };
}
