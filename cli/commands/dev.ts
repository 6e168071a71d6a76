// `holdfast dev`: runs a dev server, its Web UI and a worker until Ctrl-C.
import { relative } from 'node:path';
import { Command } from 'commander';
import { connect } from '../../client/index.ts';
import { namesServer, readSettings, type SettingsOptions } from '../../client/settings.ts';
import { AGENTS_OPTION, findAgentsFile } from '../agentsFile.ts';
import type { ServedCodec } from '../codec/serveCodec.ts';
import { addressFlags, settingsOf, untilInterrupted, userName, withTaskQueueOption } from '../connected.ts';
import type { ServedConsole } from '../console/serveConsole.ts';
import { type SupervisedServer, superviseServer } from '../dev/superviseServer.ts';
import { watchFiles } from '../dev/watchFiles.ts';
import { superviseWorker } from '../dev/workerProcess.ts';
import { EXIT, errorText, portNumber } from '../exit.ts';
import { tokenFromEnvironment } from '../http/httpOptions.ts';
import { commandWords, PROGRAM } from '../terminal/commandLine.ts';
import { toStderr, toStdout } from '../terminal/output.ts';
import { seconds } from '../terminal/screen.ts';
import { CODEC_TOKEN_VARIABLE } from './codecServer.ts';
import { CONSOLE_TOKEN_VARIABLE } from './console.ts';
import type { WorkerReady } from './worker.ts';

export const DEV_DEFAULTS = {
  port: 7233,
  uiPort: 8233,
  consolePort: 3930,
  codecPort: 3931,
  db: '.holdfast/temporal.db',
} as const;
/** Smooth for a viewer; a dev server with a few runs can take it. */
const DEV_STREAM_INTERVAL_MS = 100;

interface DevOptions {
  readonly agents?: string;
  readonly port: number;
  readonly uiPort: number;
  readonly consolePort: number;
  readonly codecPort: number;
  readonly db: string;
  readonly taskQueue?: string;
}

export function devCommand(): Command {
  const command = new Command('dev')
    .description(
      'run a Temporal dev server, its Web UI, a console and a worker; restart the worker when a file changes',
    )
    .option('--agents <file>', AGENTS_OPTION)
    .option('--port <port>', "Temporal's port; a free one if it is taken", portNumber, DEV_DEFAULTS.port)
    .option('--ui-port <port>', "the Web UI's port; a free one if it is taken", portNumber, DEV_DEFAULTS.uiPort)
    .option(
      '--console-port <port>',
      "the console's port; a free one if it is taken",
      portNumber,
      DEV_DEFAULTS.consolePort,
    )
    .option(
      '--codec-port <port>',
      'the port at which the Web UI has payloads decoded; a free one if it is taken',
      portNumber,
      DEV_DEFAULTS.codecPort,
    )
    .option('--db <file>', 'file to keep runs in', DEV_DEFAULTS.db);
  return withTaskQueueOption(command).action((options: DevOptions, command: Command) =>
    dev(options, settingsOf(command)),
  );
}

const say = toStdout;

async function dev(options: DevOptions, settings: SettingsOptions): Promise<void> {
  const { signal } = untilInterrupted();
  const interrupted = new Promise((resolve) => signal.addEventListener('abort', resolve));
  const agentsFile = await findAgentsFile(options.agents);

  const isNamed = settings.address !== undefined || settings.profile !== undefined || namesServer();
  // The first download of the server may take minutes. What has been started by then ends with this process.
  const leaveNow = () => process.exit(EXIT.interrupted);
  signal.addEventListener('abort', leaveNow);
  const own = isNamed ? null : await startServer(options, settings.namespace);
  const server = own?.server ?? null;
  // A server that we do not run must be reachable already.
  if (!server) await (await connect(settings)).close();
  signal.removeEventListener('abort', leaveNow);
  const { address, namespace } = server ?? readSettings(settings);
  const where = server ? { address, namespace } : settings;
  const served = await openConsole(where, agentsFile, options.consolePort, server?.uiUrl ?? undefined);

  const { taskQueue } = options;
  const ofQueue = taskQueue === undefined ? [] : ['--task-queue', taskQueue];

  const watching = await watchFiles([agentsFile], (path) => {
    say(`${relative(process.cwd(), path)} has changed: restarting the worker …`);
    worker.replace();
  });
  let isServing = false;
  const worker = superviseWorker({
    args: ['--agents', agentsFile, '--stream-interval', `${DEV_STREAM_INTERVAL_MS}ms`, ...flagsOf(where), ...ofQueue],
    say,
    onImported: watching.add,
    onReady(ready, tookMs) {
      if (isServing) return say(`Worker ready in ${seconds(tookMs)}: ${ready.agents.join(', ')}.`);
      isServing = true;
      say(...welcome(ready, server, `${address}, namespace ${namespace}`, where, ofQueue, served.link));
    },
  });

  await interrupted;
  say('Stopping …');
  await watching.close();
  await worker.stop();
  await served.close();
  await own?.codec.close();
  await leave(server);
}

async function leave(server: SupervisedServer | null): Promise<void> {
  await server?.stop();
  process.exit(EXIT.completed);
}

const HOST = '127.0.0.1';
const onError = (error: Error) => toStderr(errorText(error));

/** Starts the server, and before it the codec server whose address its Web UI is given. */
async function startServer(
  options: DevOptions,
  namespace: string | undefined,
): Promise<{ readonly server: SupervisedServer; readonly codec: ServedCodec }> {
  const token = tokenFromEnvironment(CODEC_TOKEN_VARIABLE);
  const { serveCodec } = await import('../codec/serveCodec.ts');
  let uiUrl: string | null = null;
  // A browser may have been given either name.
  const origins = () => (uiUrl === null ? [] : [uiUrl, uiUrl.replace(HOST, 'localhost')]);
  // The console's port is the one that people type; the codec server starts before it.
  const wanted = options.codecPort === options.consolePort ? 0 : options.codecPort;
  const codec = await onFreePort(wanted, (port) =>
    serveCodec({ host: HOST, port, origins, onError, ...(token !== undefined && { token }) }),
  );
  const server = await superviseServer({ ...options, uiCodecEndpoint: codec.endpoint, namespace, say });
  uiUrl = server.uiUrl;
  return { server, codec };
}

/** Serves on another port if the wanted one is taken. */
async function onFreePort<Served>(wanted: number, serve: (port: number) => Promise<Served>): Promise<Served> {
  return serve(wanted).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error;
    return serve(0);
  });
}

async function openConsole(
  where: SettingsOptions,
  agentsFile: string,
  port: number,
  uiUrl: string | undefined,
): Promise<ServedConsole> {
  const token = tokenFromEnvironment(CONSOLE_TOKEN_VARIABLE);
  // Loaded here: no other command needs it.
  const [holdfast, { serveConsole }] = await Promise.all([connect(where), import('../console/serveConsole.ts')]);
  const served = await onFreePort(port, (port) =>
    serveConsole({
      ...{ holdfast, host: HOST, port, by: userName() ?? null, uiUrl, settings: where, agentsFile, onError },
      ...(token !== undefined && { token }),
    }),
  );
  return {
    link: served.link,
    async close() {
      await served.close();
      await holdfast.close();
    },
  };
}

/** Returns the arguments that connect a worker to the same server. */
function flagsOf(settings: SettingsOptions): string[] {
  return Object.entries(settings).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value]));
}

function welcome(
  { agents, model }: WorkerReady,
  server: SupervisedServer | null,
  serverText: string,
  where: SettingsOptions,
  ofQueue: readonly string[],
  consoleLink: string,
): string[] {
  // Only what differs from the defaults.
  const { address, namespace, profile } = where;
  const flags = addressFlags({
    profile,
    address: address === `127.0.0.1:${DEV_DEFAULTS.port}` ? undefined : address,
    namespace: namespace === 'default' ? undefined : namespace,
  });
  const example = agents.includes('clock') ? 'clock "What time is it in Tokyo?"' : `${agents[0]} "…"`;
  return [
    `Ready in ${seconds(performance.now())}.`,
    `  console ${consoleLink}`,
    `  server  ${serverText}${server ? `, runs kept in ${server.dbFile}` : ''}`,
    ...(server?.uiUrl ? [`  Web UI  ${server.uiUrl}`] : []),
    `  agents  ${agents.join(', ')}`,
    `  model   ${model}`,
    '',
    'Next, in another terminal:',
    `  ${PROGRAM} run ${example}${flags}${ofQueue.length > 0 ? ` ${commandWords(ofQueue)}` : ''}`,
    `  ${PROGRAM} list${flags}`,
    '',
    'The worker restarts when a file that it imports changes. Ctrl-C stops everything.',
  ];
}
