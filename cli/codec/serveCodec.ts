// Serves the codec: by the command `codec-server`, and by `holdfast dev`.
import { loadPayloads } from '../../client/payloads/load.ts';
import { remoteCodec } from '../../client/payloads/remote.ts';
import { type HttpOptions, hostsOf, newToken } from '../http/httpOptions.ts';
import { listen } from '../http/listen.ts';
import { codecApp } from './codecApp.ts';

export interface ServeCodecOptions extends HttpOptions {
  readonly host: string;
  readonly port: number;
  readonly origins: () => readonly string[];
  readonly authHeader?: string | undefined;
  readonly onError: (error: Error) => void;
}

export interface ServedCodec {
  /** For `--codec-endpoint`, `--ui-codec-endpoint` and TEMPORAL_CODEC_ENDPOINT, with its token. */
  readonly endpoint: string;
  close(): Promise<void>;
}

/** Rejects if the address cannot be listened to, or the payload settings cannot be loaded. */
export async function serveCodec(options: ServeCodecOptions): Promise<ServedCodec> {
  const { host, port, origins, authHeader, onError } = options;
  const token = authHeader === undefined ? (options.token ?? newToken()) : null;
  const app = codecApp({
    codec: remoteCodec(await loadPayloads()),
    hosts: hostsOf(options),
    origins,
    token,
    authHeader: authHeader ?? null,
    onError,
  });
  const { url, close } = await listen({ host, port, respond: app.fetch, onError });
  // The characters of a token that have a meaning in a path.
  return { endpoint: token === null ? url : `${url}/${encodeURIComponent(token)}`, close };
}
