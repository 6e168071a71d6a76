// `holdfast worker`: serves the agents of a module until it is told to stop.
import { flushCompileCache } from 'node:module';
import { Command } from 'commander';
import type { HoldfastWorker } from '../../worker/index.ts';
import { AGENTS_OPTION, findAgentsFile, loadAgents } from '../agentsFile.ts';
import { settingsOf } from '../connected.ts';
import { EXIT, told } from '../exit.ts';
import { inertLine } from '../terminal/inert.ts';
import { seconds } from '../terminal/screen.ts';
import { timeTyped } from '../view/budget.ts';

/** What a worker tells the `dev` that started it, over the channel between them. */
export interface WorkerReady {
  readonly agents: readonly string[];
  readonly model: string;
}

interface WorkerCommandOptions {
  readonly agents?: string;
  readonly streamInterval?: number;
}

export function workerCommand(): Command {
  return new Command('worker')
    .description('serve the agents of a module')
    .option('--agents <file>', AGENTS_OPTION)
    .option(
      '--stream-interval <duration>',
      'how often streamed text reaches the server at most (default: 500ms)',
      timeTyped,
    )
    .action(async (options: WorkerCommandOptions, command: Command) => {
      // A tool may reject outside of its promise; the other runs of this process go on.
      process.on('unhandledRejection', (reason) => complain(`unhandled rejection: ${told(reason)}`));
      const { worker, ready, where } = await open(options, command);
      stopOnSignals(worker);
      const running = worker.run();
      if (process.send) process.send(ready);
      else sayServing(ready, where);
      // Kept now, and not only at the end: a worker that is killed should find it as well.
      flushCompileCache();
      await running;
      if (!process.send) console.log('Stopped.');
      // A tool that was given up may still keep the process busy.
      process.exit(EXIT.completed);
    });
}

async function open({ agents: named, streamInterval }: WorkerCommandOptions, command: Command) {
  const settings = settingsOf(command);
  const agents = await loadAgents(await findAgentsFile(named));
  // Only here: it is most of what this program has to load.
  const [{ connect }, { createWorker }, { installLogging }] = await Promise.all([
    import('../../client/index.ts'),
    import('../../worker/index.ts'),
    import('../terminal/logging.ts'),
  ]);
  installLogging(complain);
  const created = createWorker({
    ...settings,
    agents,
    ...(streamInterval !== undefined && { streamIntervalMs: streamInterval }),
  });
  // What is wrong with the server, the client's connection says sooner and better.
  created.catch(() => {});
  const holdfast = await connect(settings);
  const where = `${holdfast.address}, namespace ${holdfast.namespace}, task queue ${holdfast.taskQueue}`;
  await holdfast.close();
  const worker = await created;
  const ready: WorkerReady = { agents: agents.map(({ name }) => name), model: worker.model.description };
  return { worker, ready, where };
}

function sayServing({ agents, model }: WorkerReady, where: string): void {
  console.log(`Serving ${agents.join(', ')}`);
  console.log(`  model   ${model}`);
  console.log(`  server  ${where}`);
  console.log(`Polling after ${seconds(performance.now())}. Ctrl-C stops it: what runs has 10 s to finish.`);
}

/** The first signal drains; the second one ends the process as it is. `dev` going away counts as a signal. */
function stopOnSignals(worker: HoldfastWorker): void {
  let stopping = false;
  const stop = (signal?: string) => {
    if (stopping && signal) process.exit(EXIT.otherwise);
    if (stopping) return;
    stopping = true;
    if (!process.send) console.log('Stopping: takes no more work, and lets what runs finish …');
    worker.shutdown();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  process.on('disconnect', () => stop());
}

function complain(line: string): void {
  process.stderr.write(`${inertLine(line, 2_000)}\n`);
}
