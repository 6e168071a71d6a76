// Which model a worker uses: the one that the environment names, or the offline script where it names none.
import { createEndpoint, type ModelEndpoint, publicAddress } from '../activities/model/endpoint.ts';
import type { Registry } from '../activities/registry.ts';

export interface ModelSettings {
  readonly apiKey?: string | undefined;
  readonly baseURL?: string | undefined;
  /** Overrides the model of every agent. */
  readonly model?: string | undefined;
  /** How long an answer may say nothing before it is given up and tried again; 60 s when not said. */
  readonly silenceMs?: number | undefined;
  /** How long one attempt at an answer may take; 10 minutes when not said, and at most. */
  readonly timeoutMs?: number | undefined;
  /** How long the offline script waits before it answers. */
  readonly offlineDelayMs?: number | undefined;
}

export interface WorkerModel {
  readonly endpoint: ModelEndpoint;
  /** For people: what answers. */
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
    offlineDelayMs: milliseconds(env, 'HOLDFAST_MODEL_DELAY_MS'),
  };
}

function milliseconds(env: NodeJS.ProcessEnv, name: string): number | undefined {
  const text = env[name];
  if (!text) return undefined;
  const ms = Number(text);
  if (!(ms >= 0 && ms < 2 ** 31)) throw new TypeError(`${name} is "${text}". Give milliseconds, for example 180000.`);
  return ms;
}

export async function openModel(settings: ModelSettings, registry: Registry): Promise<WorkerModel> {
  const { apiKey, baseURL, model, silenceMs, timeoutMs } = settings;
  if (apiKey === undefined && baseURL === undefined) return openOffline(settings, registry);
  return {
    // A server of one's own often wants no key; the client insists on one.
    endpoint: createEndpoint({ apiKey: apiKey ?? 'none', baseURL, model, silenceMs, timeoutMs }),
    description: `${model ?? 'the model of each agent'} at ${baseURL ? publicAddress(baseURL) : 'api.openai.com'}`,
    isOffline: false,
    close: async () => {},
  };
}

async function openOffline({ offlineDelayMs, silenceMs }: ModelSettings, registry: Registry): Promise<WorkerModel> {
  // Only here: a worker with a model never loads it.
  const { offlineModel, startScriptedModel } = await import('../activities/testing/index.ts');
  const script = await startScriptedModel({
    agents: registry.agents.values(),
    ...(offlineDelayMs !== undefined && { delayMs: offlineDelayMs }),
  });
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
