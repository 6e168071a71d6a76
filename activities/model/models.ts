// The models of a worker: the servers that answer for an agent, in the order in which they are asked.
import type { Agent } from '../define/types.ts';
import type { ModelEndpoint } from './endpoint.ts';

export interface Models {
  /** One endpoint for each of the agent's models; its `modelFor` is that model. */
  endpointsOf(agent: Agent): readonly [ModelEndpoint, ...ModelEndpoint[]];
  /** How long a run waits while no model is available. */
  readonly outageMs: number;
}

export interface ModelsOptions {
  /** The worker's own server, for models without a provider. */
  readonly own: ModelEndpoint;
  /** `agent`: the agent says which. `worker`: one for all agents. `script`: the script of the agent, whatever its model. */
  readonly modelBy: 'agent' | 'worker' | 'script';
  /** By the name before the colon; null for one without a key and an address, in whose place the worker's own server answers. */
  readonly providers: ReadonlyMap<string, ModelEndpoint | null>;
}

/** The name of the worker's own server, where there are others. */
export const OWN = 'default';

export function createModels({ own, modelBy, providers }: ModelsOptions): Models {
  function endpointOf(written: string): ModelEndpoint {
    const { provider, model } = partsOf(written, providers);
    const endpoint = provider === undefined ? null : providers.get(provider);
    if (!endpoint && modelBy === 'script') return own;
    return { ...(endpoint ?? own), modelFor: () => model };
  }

  return {
    endpointsOf(agent) {
      if (modelBy === 'worker') return [own];
      const [first, ...others] = agent.models.map(endpointOf);
      // An agent has at least one model.
      return [first!, ...others];
    },
    outageMs: own.outageMs,
  };
}

interface Parts {
  /** undefined: the worker's own server. */
  readonly provider: string | undefined;
  readonly model: string;
}

function partsOf(written: string, providers: ReadonlyMap<string, unknown>): Parts {
  const colon = written.indexOf(':');
  const name = written.slice(0, Math.max(0, colon));
  if (providers.size === 0 || colon < 0) return { provider: undefined, model: written };
  const model = written.slice(colon + 1);
  return name === OWN ? { provider: undefined, model } : { provider: name, model };
}

/** Returns what is wrong with the models of an agent; null if each has a server. */
export function modelsProblem({ name, models }: Agent, providers: ReadonlyMap<string, unknown>): string | null {
  for (const written of models) {
    const { provider, model } = partsOf(written, providers);
    if (provider !== undefined && !providers.has(provider))
      return `Agent ${name}: model "${written}" begins with no provider. There are ${[...providers.keys(), OWN].join(', ')}. For a model of the worker's own server, write "${OWN}:${written}".`;
    if (model === '') return `Agent ${name}: model "${written}" names no model after the colon.`;
  }
  return null;
}
