// Connection settings of clients and workers, by Temporal's conventions: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE,
// TEMPORAL_API_KEY, TLS, and the profiles of temporal.toml.
import { loadClientConnectConfig } from '@temporalio/envconfig';

export interface TemporalSettings {
  readonly address: string;
  readonly namespace: string;
  /** TLS, API key and metadata, in the form that both client and worker connections accept. */
  readonly connection: Omit<ReturnType<typeof loadClientConnectConfig>['connectionOptions'], 'address' | 'metadata'> & {
    readonly metadata?: Record<string, string>;
  };
}

export interface SettingsOptions {
  /**
   * Temporal's `host:port`.
   * @default TEMPORAL_ADDRESS, the profile's address, or `127.0.0.1:7233`
   */
  readonly address?: string | undefined;
  /** @default TEMPORAL_NAMESPACE, the profile's namespace, or `default` */
  readonly namespace?: string | undefined;
  /**
   * A profile of temporal.toml.
   * @default TEMPORAL_PROFILE, or `default`
   */
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
      // Metadata from the environment is text; only code can set binary values.
      ...(metadata && { metadata: metadata as Record<string, string> }),
    },
  };
}

/** Whether the environment or a profile names a server. `holdfast dev` then uses it instead of starting one. */
export function namesServer(): boolean {
  return load().connectionOptions.address !== undefined;
}

function load(profile?: string) {
  // Shells and compose files often unset a variable by setting it to the empty string.
  const env = Object.entries(process.env).filter((entry): entry is [string, string] => Boolean(entry[1]));
  return loadClientConnectConfig({ ...(profile && { profile }), overrideEnvVars: Object.fromEntries(env) });
}
