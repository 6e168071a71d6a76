// `holdfast console`: runs, their questions and their times, in a browser.
import { Command, InvalidArgumentError } from 'commander';
import { connect } from '../../client/index.ts';
import { findAgentsFile } from '../agentsFile.ts';
import { collectRole, parseName, settingsOf, unlessInterrupted, untilInterrupted, userName } from '../connected.ts';
import { EXIT, errorText, UsageError } from '../exit.ts';
import {
  authHeaderOption,
  checkHost,
  checkProxy,
  givenToken,
  listenError,
  type ProxyOptions,
  parseHeader,
  withHttpOptions,
} from '../http/httpOptions.ts';
import { toStderr, toStdout } from '../terminal/output.ts';

interface ConsoleCommandOptions extends ProxyOptions {
  readonly readOnly?: boolean;
  readonly rolesHeader?: string;
  readonly by?: string;
  readonly role?: readonly string[];
  readonly uiUrl?: string;
  readonly agents?: string;
}

export const CONSOLE_DEFAULTS = { host: '127.0.0.1', port: 3_930 } as const;
export const CONSOLE_TOKEN_VARIABLE = 'HOLDFAST_CONSOLE_TOKEN';

export function consoleCommand(): Command {
  const command = new Command('console')
    .description('show runs and what they wait for in a browser')
    .option('--read-only', 'show only: nobody decides or sends anything')
    .option('--by <name>', 'who decides; recorded with the run (default: your user name)', parseName)
    .option('--role <name>', 'role of who decides, for approvals that are for it; may be given again', collectRole)
    .addOption(authHeaderOption())
    .option(
      '--roles-header <name>',
      'with --auth-header: the header with their roles, separated by commas, such as X-Forwarded-Groups',
      parseHeader,
    )
    .option('--ui-url <url>', "Temporal's Web UI, to link to", parseUrl)
    .option(
      '--agents <file>',
      'module that exports the agents: to play runs again, and to ask models of its providers (default: none)',
    );
  return withHttpOptions(command, {
    ...CONSOLE_DEFAULTS,
    variable: CONSOLE_TOKEN_VARIABLE,
    token: 'token of the link',
  }).action(async (options: ConsoleCommandOptions, command: Command) => {
    checkHost(options);
    checkProxy(options);
    if (options.rolesHeader !== undefined && options.authHeader === undefined)
      throw new UsageError('--roles-header needs --auth-header: without a proxy, anybody could send it.');
    if (options.role !== undefined && options.authHeader !== undefined)
      throw new UsageError(
        '--role and --auth-header exclude each other: the proxy says the roles, with --roles-header.',
      );
    await serve(options, command);
    process.exit(EXIT.completed);
  });
}

async function serve(options: ConsoleCommandOptions, command: Command): Promise<void> {
  const { host = CONSOLE_DEFAULTS.host, port = CONSOLE_DEFAULTS.port } = options;
  const token = givenToken(options, CONSOLE_TOKEN_VARIABLE);
  const settings = settingsOf(command);
  const agentsFile = options.agents === undefined ? undefined : await findAgentsFile(options.agents);
  const holdfast = await connect(settings);
  // Loaded here: no other command needs it.
  const { serveConsole } = await import('../console/serveConsole.ts');
  const served = await serveConsole({
    ...options,
    ...(options.role && { roles: options.role }),
    ...{ holdfast, host, port, by: options.by ?? userName() ?? null, settings, agentsFile },
    onError: (error) => toStderr(errorText(error)),
    ...(token !== undefined && { token }),
  }).catch((error) => {
    throw listenError(error, host, port);
  });
  toStdout(`Console: ${served.link}`);
  toStdout('Ctrl-C stops it; runs continue.');
  const interrupt = untilInterrupted();
  await unlessInterrupted(new Promise(() => {}), interrupt.signal);
  await served.close();
  await holdfast.close();
}

function parseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw new InvalidArgumentError('Expected a URL that begins with http:// or https://.');
  return text.replace(/\/+$/, '');
}
