// Where the model is: any server that speaks the Chat Completions API.
import OpenAI from 'openai';
import { MODEL_CALL } from '../../core/limits.ts';
import type { Agent } from '../define/types.ts';

/** An address without what may be a secret in it: a login, a query. */
export function publicAddress(url: string): string {
  const parsed = URL.parse(url);
  return parsed ? `${parsed.origin}${parsed.pathname}` : 'an address that is no URL';
}

export interface ModelEndpoint {
  readonly client: OpenAI;
  /** To be kept out of everything that is recorded. */
  readonly apiKey: string;
  /** How long an answer may say nothing before it is given up. */
  readonly silenceMs: number;
  /** How long one attempt may take. */
  readonly timeoutMs: number;
  /** Models that were found to take no JSON schema, or not that of an agent: `<model>\n<agent>`. */
  readonly withoutSchemas: Set<string>;
  modelFor(agent: Agent): string;
}

export interface EndpointOptions {
  readonly apiKey: string;
  readonly baseURL?: string | undefined;
  /** 60 s when not said. */
  readonly silenceMs?: number | undefined;
  /** 10 minutes when not said, and at most. */
  readonly timeoutMs?: number | undefined;
  /** The model to use: for all agents, or by agent. Each agent's own when not said. */
  readonly model?: string | ((agent: Agent) => string) | undefined;
}

export function createEndpoint({
  apiKey,
  baseURL,
  model,
  silenceMs = MODEL_CALL.silenceMs,
  timeoutMs = MODEL_CALL.timeoutMs,
}: EndpointOptions): ModelEndpoint {
  // Temporal is the one owner of retries: it records them, and they outlive the process.
  const client = new OpenAI({ apiKey, maxRetries: 0, ...(baseURL && { baseURL }) });
  return {
    client,
    apiKey,
    silenceMs,
    timeoutMs: Math.min(timeoutMs, MODEL_CALL.timeoutMs),
    withoutSchemas: new Set(),
    modelFor: (agent) => (typeof model === 'function' ? model(agent) : (model ?? agent.model)),
  };
}
