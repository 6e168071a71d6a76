// The models of a worker: the servers that answer for an agent, in the order in which they are asked.
import type { Agent } from '../define/types.ts';
import type { ModelEndpoint } from './endpoint.ts';

export interface Models {
  /** The endpoint of a model that an agent could name; its `modelFor` is that model. */
  endpointOf(model: string): ModelEndpoint;
  /** One endpoint for each of the agent's models; its `modelFor` is that model. With `asked`, that of this model alone. */
  endpointsOf(agent: Agent, asked?: string): readonly [ModelEndpoint, ...ModelEndpoint[]];
  /** Returns what is wrong with the agent's models; null if each has a server here. */
  problemOf(agent: Agent): string | null;
  /** How long a run waits while no model is available. */
  readonly outageMs: number;
}

export interface ModelsOptions {
  /** The worker's own server, for models without a provider. */
  readonly own: ModelEndpoint;
  /** `agent`: the agent says which. `worker`: one for all agents. `script`: the script of the agent, whatever its model. */
  readonly modelBy: 'agent' | 'worker' | 'script';
  /** By the name before the colon; null for one without a key and an address. */
  readonly providers: ReadonlyMap<string, ModelEndpoint | null>;
}

/** The prefix of the worker's own server, which `OPENAI_API_KEY` and `OPENAI_BASE_URL` set. */
export const OWN = 'openai';
/** Without digits, so that `qwen3:8b` never begins with one. */
export const PROVIDER_NAME = /^[a-z][a-z_-]{0,31}$/i;
/** What follows a model's own colon: `mistral:latest`, `qwen/qwen3:free`. */
const TAGS = new Set(['latest', 'instruct', 'chat', 'text', 'code', 'base', 'cloud', 'free']);
/** Fine-tuned models of OpenAI: `ft:gpt-4o:acme::id`. */
export const FINE_TUNED = 'ft';

export function createModels({ own, modelBy, providers }: ModelsOptions): Models {
  function endpointOf(written: string): ModelEndpoint {
    const { provider, model } = partsOf(written, providers);
    const endpoint = provider === undefined ? null : providers.get(provider);
    if (!endpoint && modelBy === 'script') return own;
    return { ...(endpoint ?? own), modelFor: () => model };
  }

  return {
    endpointOf,
    endpointsOf(agent, asked) {
      // Who names a model for one run means it, whatever the worker's default.
      if (asked !== undefined) return [endpointOf(asked)];
      if (modelBy === 'worker') return [own];
      const [first, ...others] = agent.models.map(endpointOf);
      // An agent has at least one model.
      return [first!, ...others];
    },
    problemOf: (agent) => modelsProblem(agent, { providers, modelBy: modelBy === 'script' ? modelBy : 'agent' }),
    outageMs: own.outageMs,
  };
}

interface Parts {
  /** undefined: the worker's own server. */
  readonly provider: string | undefined;
  readonly model: string;
}

/** Names of models have colons, too. A prefix that looks like a provider is one, so that a typo sends nothing to another server. */
function partsOf(written: string, providers: ReadonlyMap<string, unknown>): Parts {
  const [prefix = ''] = written.split(':', 1);
  const model = written.slice(prefix.length + 1);
  const own = { provider: undefined, model: written };
  if (model === '') return own;
  if (prefix === OWN) return { provider: undefined, model };
  if (providers.has(prefix)) return { provider: prefix, model };
  const isTag = !/^[a-z]/i.test(model) || TAGS.has(model.toLowerCase());
  return isTag || prefix === FINE_TUNED || !PROVIDER_NAME.test(prefix) ? own : { provider: prefix, model };
}

/** The provider that a model's name begins with; undefined if it is one of the worker's own server. */
export function providerIn(written: string): string | undefined {
  return partsOf(written, new Map()).provider;
}

/** Returns what is wrong with the models of an agent; null if each has a server. */
export function modelsProblem(
  { name, models }: Agent,
  { providers, modelBy }: Pick<ModelsOptions, 'providers' | 'modelBy'>,
): string | null {
  for (const written of models) {
    const problem = modelProblem(written, { providers, modelBy });
    if (problem) return `Agent ${name}: its model is "${written}", but ${problem}`;
  }
  return null;
}

/** The same of one model, as the end of a sentence. */
export function modelProblem(
  written: string,
  { providers, modelBy }: Pick<ModelsOptions, 'providers' | 'modelBy'>,
): string | null {
  const { provider } = partsOf(written, providers);
  if (provider === undefined) return null;
  // In its place, the worker's own server would get conversations that are not for it.
  if (providers.get(provider) === null && modelBy === 'agent')
    return `providers.${provider} has neither apiKey nor baseURL. Set one of them.`;
  if (providers.has(provider)) return null;
  const known = [OWN, ...providers.keys()].join(', ');
  return `there is no provider "${provider}". Add it to providers, which has: ${known}. If it is part of the model's name, write "${OWN}:${written}".`;
}
