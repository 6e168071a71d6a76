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
    offlineDelayMs: env['HOLDFAST_MODEL_DELAY_MS'] ? Number(env['HOLDFAST_MODEL_DELAY_MS']) : undefined,
  };
}

export async function openModel(settings: ModelSettings, registry: Registry): Promise<WorkerModel> {
  const { apiKey, baseURL, model, silenceMs } = settings;
  if (apiKey === undefined && baseURL === undefined) return openOffline(settings, registry);
  return {
    // A server of one's own often wants no key; the client insists on one.
    endpoint: createEndpoint({ apiKey: apiKey ?? 'none', baseURL, model, silenceMs }),
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
