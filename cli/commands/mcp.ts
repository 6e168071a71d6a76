// `holdfast mcp`: serves agents as MCP tools, over standard input and output or over HTTP.
import { createHash, randomBytes } from 'node:crypto';
import { Command, InvalidArgumentError } from 'commander';
import { connect, type Holdfast } from '../../client/index.ts';
import type { RunContext } from '../../core/types.ts';
import { AGENTS_OPTION, findAgentsFile, loadExportedAgents } from '../agentsFile.ts';
import {
  addressFlags,
  parseName,
  settingsOf,
  taskQueueOf,
  unlessInterrupted,
  untilInterrupted,
  userName,
  withTaskQueueOption,
} from '../connected.ts';
import { EXIT, errorText, UsageError } from '../exit.ts';
import {
  checkHost,
  type HttpOptions,
  listenError,
  newToken,
  tokenFromEnvironment,
  withHttpOptions,
} from '../http/httpOptions.ts';
import { inertLine } from '../terminal/inert.ts';
import { toStderr, toStdout } from '../terminal/output.ts';
import { parseDuration } from '../view/budget.ts';
import { parseContext } from '../view/context.ts';

interface McpCommandOptions extends HttpOptions {
  readonly agents?: string;
  readonly context?: RunContext;
  readonly wait?: number;
  readonly by?: string;
  readonly forms: boolean;
  readonly http?: boolean;
}

const HTTP_DEFAULTS = { host: '127.0.0.1', port: 3_920 } as const;
/** Clients give up after a minute, and would not learn the run's name. */
const WAIT_MS = 50_000;
/** Node's timers end after 24 days; no client waits for one. */
const WAIT_MAX_MS = 24 * 60 * 60_000;
const TOKEN_VARIABLE = 'HOLDFAST_MCP_TOKEN';

export function mcpCommand(): Command {
  const command = new Command('mcp')
    .description('serve agents as MCP tools')
    .argument('[agent...]', 'names of the agents (default: all that the module exports)')
    .option('--agents <file>', AGENTS_OPTION)
    .option('--context <json>', 'context of every run, a JSON object; without it, clients choose it', parseContext)
    .option(
      '--wait <duration>',
      'how long a call waits for its run before it answers with its id (default: 50s)',
      parseWait,
    )
    .option(
      '--by <name>',
      'who decides what clients are asked; recorded with the run (default: your user name; "mcp" over HTTP)',
      parseName,
    )
    .option('--no-forms', 'ask clients nothing: what runs wait for is decided elsewhere')
    .option('--http', 'serve over HTTP instead of standard input and output');
  withTaskQueueOption(command);
  return withHttpOptions(command, {
    ...HTTP_DEFAULTS,
    variable: TOKEN_VARIABLE,
    token: 'bearer token that clients have to send',
  }).action(async (names: string[], options: McpCommandOptions, command: Command) => {
    checkTransport(options);
    if (options.http) await serveHttp(names, options, command);
    else await serveStdio(names, options, command);
    // The module may keep the process alive, with a database pool or a timer.
    process.exit(EXIT.completed);
  });
}

function checkTransport(options: McpCommandOptions): void {
  const { http, host, port, allowHost, token } = options;
  const [option] =
    Object.entries({ host, port, 'allow-host': allowHost, token }).find(([, value]) => value !== undefined) ?? [];
  if (!http && option !== undefined) throw new UsageError(`--${option} is for HTTP. Add --http.`);
  checkHost(options);
}

async function serveStdio(names: readonly string[], options: McpCommandOptions, command: Command): Promise<void> {
  const { takeStdout, serveOverStdio } = await loadServing(() => import('../mcp/overStdio.ts'));
  const protocolOut = takeStdout();
  const { holdfast, factory, agents } = await open(names, options, command, randomBytes(32), userName() ?? 'mcp');
  toStderr(`Serving ${agents} over standard input and output.`);
  const interrupt = untilInterrupted();
  await serveOverStdio(factory, { protocolOut, signal: interrupt.signal, onError: report });
  await holdfast.close();
}

async function serveHttp(names: readonly string[], options: McpCommandOptions, command: Command): Promise<void> {
  const { serveOverHttp } = await loadServing(() => import('../mcp/overHttp.ts'));
  const { host = HTTP_DEFAULTS.host, port = HTTP_DEFAULTS.port, allowHost = [] } = options;
  const given = options.token ?? tokenFromEnvironment(TOKEN_VARIABLE);
  const token = given ?? newToken();
  // Of the token, so that a client that was asked something can answer after a restart.
  const stateKey = createHash('sha256').update(`holdfast mcp state ${token}`).digest();
  const { holdfast, factory, agents } = await open(names, options, command, stateKey, 'mcp');
  const serving = await serveOverHttp(factory, { host, port, token, allowedHosts: allowHost, onError: report }).catch(
    (error) => {
      throw listenError(error, host, port);
    },
  );
  toStdout(`Serving ${agents} at ${serving.url}`);
  if (given === undefined) toStdout(`  token   ${token}`);
  toStdout('Ctrl-C stops it; runs continue.');
  const interrupt = untilInterrupted();
  await unlessInterrupted(new Promise(() => {}), interrupt.signal);
  await serving.close();
  await holdfast.close();
}

/** Connects, and loads the agents. */
async function open(
  names: readonly string[],
  { agents: file, context, wait = WAIT_MS, by, forms }: McpCommandOptions,
  command: Command,
  stateKey: Uint8Array,
  defaultBy: string,
) {
  const settings = settingsOf(command);
  const [{ agentServers }, { pickAgents }] = await Promise.all([
    import('../mcp/agentServer.ts'),
    import('../mcp/servedAgents.ts'),
  ]);
  const agents = pickAgents(await loadExportedAgents(await findAgentsFile(file)), names);
  const holdfast: Holdfast = await connect({ ...settings, ...taskQueueOf(command) });
  const factory = agentServers({
    holdfast,
    agents,
    context,
    by: by ?? defaultBy,
    asksClients: forms,
    flags: addressFlags(settings),
    waitMs: wait,
    stateKey,
  });
  return { holdfast, factory, agents: [...agents.keys()].join(', ') };
}

/** Few need it: the MCP server package is an optional dependency. */
async function loadServing<T>(load: () => Promise<T>): Promise<T> {
  await import('@modelcontextprotocol/server').catch(() => {
    throw new UsageError(
      '"holdfast mcp" needs the package @modelcontextprotocol/server. Install it beside holdfast: npm install @modelcontextprotocol/server',
    );
  });
  return load();
}

function report(error: Error): void {
  toStderr(inertLine(errorText(error), 2_000));
}

function parseWait(text: string): number {
  const waitMs = parseDuration(text);
  if (waitMs > WAIT_MAX_MS) throw new InvalidArgumentError('Expected at most 24h.');
  return waitMs;
}
