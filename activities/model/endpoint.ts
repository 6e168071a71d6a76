// The model's server: any that speaks the Chat Completions API.
import OpenAI from 'openai';
import { MODEL_CALL, MODEL_OUTAGE } from '../../core/limits.ts';
import type { Agent } from '../define/types.ts';
import { modelFetch } from './modelFetch.ts';

/** A URL without the parts that may be secret: login and query. */
export function publicAddress(url: string): string {
  const parsed = URL.parse(url);
  return parsed ? `${parsed.origin}${parsed.pathname}` : 'an invalid URL';
}

export interface ModelEndpoint {
  readonly client: OpenAI;
  /** Must never be recorded. */
  readonly apiKey: string;
  /** Longest silence in a stream before the attempt fails. */
  readonly silenceMs: number;
  /** Maximum time of one attempt. */
  readonly timeoutMs: number;
  /** How long a run waits while the model is unavailable. */
  readonly outageMs: number;
  /** Models that refused the JSON schema of an agent, as `<model>\n<agent>`. */
  readonly withoutSchemas: Set<string>;
  modelFor(agent: Agent): string;
}

export interface EndpointOptions {
  readonly apiKey: string;
  readonly baseURL?: string | undefined;
  /** @default 60 s */
  readonly silenceMs?: number | undefined;
  /** At most 10 minutes. @default 10 minutes */
  readonly timeoutMs?: number | undefined;
  /** @default 1 hour */
  readonly outageMs?: number | undefined;
  /** The model to use, for all agents or by agent. @default the agent's `model` */
  readonly model?: string | ((agent: Agent) => string) | undefined;
}

export function createEndpoint({
  apiKey,
  baseURL,
  model,
  silenceMs = MODEL_CALL.silenceMs,
  timeoutMs = MODEL_CALL.timeoutMs,
  outageMs = MODEL_OUTAGE.limitMs,
}: EndpointOptions): ModelEndpoint {
  // Only Temporal retries: it records the attempts, and they survive the process.
  const client = new OpenAI({ apiKey, maxRetries: 0, fetch: modelFetch, ...(baseURL && { baseURL }) });
  return {
    client,
    apiKey,
    silenceMs,
    timeoutMs: Math.min(timeoutMs, MODEL_CALL.timeoutMs),
    outageMs,
    withoutSchemas: new Set(),
    modelFor: (agent) => (typeof model === 'function' ? model(agent) : (model ?? agent.model)),
  };
}
