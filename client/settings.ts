// Where Temporal is, by Temporal's own conventions: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TLS, and the
// profiles of temporal.toml. Clients and workers read it here.
import { loadClientConnectConfig } from '@temporalio/envconfig';

export interface TemporalSettings {
  readonly address: string;
  readonly namespace: string;
  /** TLS, API key and metadata, as both the client's and the worker's connection take them. */
  readonly connection: Omit<ReturnType<typeof loadClientConnectConfig>['connectionOptions'], 'address' | 'metadata'> & {
    readonly metadata?: Record<string, string>;
  };
}

export interface SettingsOptions {
  readonly address?: string | undefined;
  readonly namespace?: string | undefined;
  /** A profile of temporal.toml; TEMPORAL_PROFILE or `default` when not said. */
  readonly profile?: string | undefined;
}

export const DEFAULT_ADDRESS = '127.0.0.1:7233';

export function readSettings({ address, namespace, profile }: SettingsOptions = {}): TemporalSettings {
  const found = load(profile);
  const { address: foundAddress, metadata, ...connection } = found.connectionOptions;
  return {
    address: address ?? foundAddress ?? DEFAULT_ADDRESS,
    namespace: namespace ?? found.namespace ?? 'default',
    connection: {
      ...connection,
      // The environment's metadata is text; only programs can give binary values.
      ...(metadata && { metadata: metadata as Record<string, string> }),
    },
  };
}

/** Whether the environment or a profile names a server: then it is used, and none is started. */
export function namesServer(): boolean {
  return load().connectionOptions.address !== undefined;
}

function load(profile?: string) {
  // Shells and container files unset a variable by leaving it empty.
  const env = Object.entries(process.env).filter((entry): entry is [string, string] => Boolean(entry[1]));
  return loadClientConnectConfig({ ...(profile && { profile }), overrideEnvVars: Object.fromEntries(env) });
}
