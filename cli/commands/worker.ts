// `holdfast worker`: serves the agents of a module until it is stopped.
import { flushCompileCache } from 'node:module';
import { Command } from 'commander';
import { SHUTDOWN_GRACE_MS } from '../../core/limits.ts';
import type { HoldfastWorker } from '../../worker/index.ts';
import { AGENTS_OPTION, findAgentsFile, loadAgents, loadProviders } from '../agentsFile.ts';
import { settingsOf, taskQueueOf, withTaskQueueOption } from '../connected.ts';
import { IMPORTS_WANTED, onImports } from '../dev/importedFiles.ts';
import { EXIT, errorText } from '../exit.ts';
import { inertLine } from '../terminal/inert.ts';
import { toStderr, toStdout } from '../terminal/output.ts';
import { seconds } from '../terminal/screen.ts';
import { parseDuration } from '../view/budget.ts';

/** Messages from a worker to the `dev` that started it, over their IPC channel. */
export type WorkerMessage = WorkerReady | { readonly imported: readonly string[] };

export interface WorkerReady {
  readonly agents: readonly string[];
  readonly model: string;
}

/** Many files are imported at once. */
const TELL_MS = 50;

interface WorkerCommandOptions {
  readonly agents?: string;
  readonly streamInterval?: number;
}

export function workerCommand(): Command {
  const command = new Command('worker')
    .description('serve the agents of a module')
    .option('--agents <file>', AGENTS_OPTION)
    .option(
      '--stream-interval <duration>',
      'minimum interval between reports of streamed text to the server (default: 500ms)',
      parseDuration,
    );
  return withTaskQueueOption(command).action(async (options: WorkerCommandOptions, command: Command) => {
    // A tool may reject outside of its promise; other runs of this process continue.
    process.on('unhandledRejection', (reason) => printWarning(`unhandled rejection: ${errorText(reason)}`));
    const imports = process.send && process.env[IMPORTS_WANTED] ? tellImports() : undefined;
    // Not for what the agents start.
    delete process.env[IMPORTS_WANTED];
    const { worker, ready, where } = await open(options, command).finally(imports?.told);
    stopOnSignals(worker);
    const running = worker.run();
    if (process.send) process.send(ready);
    else printServing(ready, where);
    // Written now, not only at exit: a worker that is killed should have it next time.
    flushCompileCache();
    await running;
    if (!process.send) toStdout('Stopped.');
    // An abandoned tool may still keep the process alive.
    process.exit(EXIT.completed);
  });
}

/** Tells `dev` which files the agents import, also later on. `told` waits until it has those so far. */
function tellImports() {
  let untold: string[] = [];
  async function tell(): Promise<void> {
    if (untold.length === 0) return;
    const imported = untold;
    untold = [];
    await new Promise((told) => process.send?.({ imported } satisfies WorkerMessage, told));
  }
  onImports((file) => {
    if (untold.push(file) === 1) setTimeout(tell, TELL_MS).unref();
  });
  return { told: tell };
}

async function open({ agents: named, streamInterval }: WorkerCommandOptions, command: Command) {
  const settings = { ...settingsOf(command), ...taskQueueOf(command) };
  const file = await findAgentsFile(named);
  const agents = await loadAgents(file);
  const providers = await loadProviders(file);
  // Imported here: it is most of what this program has to load.
  const [{ connect }, { createWorker }, { collectSooner }, { installLogging }] = await Promise.all([
    import('../../client/index.ts'),
    import('../../worker/index.ts'),
    import('../../worker/memory.ts'),
    import('../terminal/logging.ts'),
  ]);
  installLogging(printWarning);
  collectSooner();
  const created = createWorker({
    ...settings,
    agents,
    providers,
    ...(streamInterval !== undefined && { streamIntervalMs: streamInterval }),
  });
  // Problems of the server are reported sooner and better by the client's connection.
  created.catch(() => {});
  const holdfast = await connect(settings);
  const where = `${holdfast.address}, namespace ${holdfast.namespace}, task queue ${holdfast.taskQueue}`;
  await holdfast.close();
  const worker = await created;
  const ready: WorkerReady = { agents: agents.map(({ name }) => name), model: worker.model.description };
  return { worker, ready, where };
}

function printServing({ agents, model }: WorkerReady, where: string): void {
  toStdout(
    `Serving ${agents.join(', ')}`,
    `  model   ${model}`,
    `  server  ${where}`,
    `Polling after ${seconds(performance.now())}. Ctrl-C stops it; running calls have ${SHUTDOWN_GRACE_MS / 1_000} s to finish.`,
  );
}

/** Drains on the first signal, exits on the second. Losing `dev` counts as a signal. */
function stopOnSignals(worker: HoldfastWorker): void {
  let stopping = false;
  const stop = (signal?: string) => {
    if (stopping && signal) process.exit(EXIT.otherwise);
    if (stopping) return;
    stopping = true;
    if (!process.send) toStdout('Stopping: accepts no new work, waits for running calls …');
    worker.shutdown();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  process.on('disconnect', () => stop());
}

function printWarning(line: string): void {
  toStderr(inertLine(line, 2_000));
}
