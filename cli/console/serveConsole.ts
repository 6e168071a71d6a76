// Serves the console: by the command of its name, and by `holdfast dev`.
import type { Holdfast } from '../../client/index.ts';
import type { SettingsOptions } from '../../client/settings.ts';
import { type HttpOptions, hostsOf, newToken } from '../http/httpOptions.ts';
import { listen } from '../http/listen.ts';
import { consoleApp } from './app.ts';
import { checkPage, pageFiles } from './pageFiles.ts';

export interface ServeConsoleOptions extends HttpOptions {
  readonly holdfast: Holdfast;
  readonly host: string;
  readonly port: number;
  /** Who decides; null if nobody is named. */
  readonly by: string | null;
  readonly readOnly?: boolean | undefined;
  readonly authHeader?: string | undefined;
  readonly rolesHeader?: string | undefined;
  /** The roles of who decides, without a proxy. */
  readonly roles?: readonly string[] | undefined;
  readonly uiUrl?: string | undefined;
  readonly settings: SettingsOptions;
  /** The module of the agents. Without it, runs cannot be played again. */
  readonly agentsFile?: string | undefined;
  readonly onError: (error: Error) => void;
}

export interface ServedConsole {
  /** Opens the console, with its token. */
  readonly link: string;
  close(): Promise<void>;
}

/** Rejects if the address cannot be listened to. */
export async function serveConsole(options: ServeConsoleOptions): Promise<ServedConsole> {
  const { holdfast, host, port, by, roles = [], readOnly = false, uiUrl, settings, agentsFile, onError } = options;
  const { authHeader, rolesHeader } = options;
  checkPage();
  const token = authHeader === undefined ? (options.token ?? newToken()) : null;
  const app = consoleApp({
    holdfast,
    files: pageFiles,
    hosts: hostsOf(options),
    token,
    authHeader: authHeader ?? null,
    rolesHeader: rolesHeader ?? null,
    by,
    roles,
    readOnly,
    uiUrl: uiUrl ?? null,
    settings,
    agentsFile: agentsFile ?? null,
  });
  const listening = await listen({ host, port, respond: app.fetch, onError });
  return {
    link: `${listening.url}/${token === null ? '' : `#token=${token}`}`,
    async close() {
      app.close();
      await listening.close();
    },
  };
}
