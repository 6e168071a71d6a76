// A worker of an example, in a process of its own, since it is going to be killed.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Agent, Tool } from '../../activities/index.ts';
import { createWorker } from '../../worker/createWorker.ts';
import { installLogging } from '../terminal/logging.ts';

export interface ExampleWorkerOptions {
  readonly address: string;
  readonly taskQueue?: string;
}

/** What it tells the process that started it; `held` is the call whose answer it holds back. */
export type ExampleWorkerSays = { readonly ready: true } | { readonly held: string };

const HOUR_MS = 3_600_000;

const tell = (said: ExampleWorkerSays) => process.send?.(said);

/** What the one who started this process wrote. */
export function optionsGiven<Options extends ExampleWorkerOptions>(): Options {
  return JSON.parse(process.argv[2] ?? '{}') as Options;
}

/** Serves until it is stopped, and ends the process. */
export async function serveExample(
  { address, taskQueue }: ExampleWorkerOptions,
  agents: readonly Agent[],
  warmUp: () => Promise<void>,
): Promise<never> {
  process.on('disconnect', () => process.exit());
  installLogging((line) => {
    if (process.env['HOLDFAST_DEBUG']) process.stderr.write(`${line}\n`);
  });
  const [worker] = await Promise.all([
    createWorker({
      address,
      namespace: 'default',
      ...(taskQueue !== undefined && { taskQueue }),
      agents,
      // No key is looked at: what is played was written for what the script asks.
      model: {},
      temporal: { shutdownGraceTime: 0, shutdownForceTime: '2 s' },
    }),
    warmUp(),
  ]);
  const running = worker.run();
  tell({ ready: true });
  await running;
  process.exit();
}

/** The tool, which does what it does; but of the input that `isDoomed` says, the answer never leaves the process. */
export function holdAnswer(tool: Tool, isDoomed: (input: never) => string | undefined): Tool {
  const { run } = tool;
  if (!run) return tool;
  const held: typeof run = async (input, ctx) => {
    const result = await run(input, ctx);
    const name = isDoomed(input);
    if (name === undefined) return result;
    tell({ held: name });
    await sleep(HOUR_MS, undefined, { signal: ctx.signal });
    return result;
  };
  return { ...tool, run: held };
}
