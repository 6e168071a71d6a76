// A worker of an example, in a process of its own, so that it can be killed.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Agent, Tool } from '../../activities/index.ts';
import { createWorker } from '../../worker/createWorker.ts';
import { installLogging } from '../terminal/logging.ts';
import { toStderr } from '../terminal/output.ts';

export interface ExampleWorkerOptions {
  readonly address: string;
  readonly taskQueue?: string;
}

/** Message to the process that started it; `held` names the call whose result it withholds. */
export type ExampleWorkerSays = { readonly ready: true } | { readonly held: string };

const HOUR_MS = 3_600_000;

const report = (message: ExampleWorkerSays) => process.send?.(message);

/** Returns the options that the parent process passed. */
export function optionsGiven<Options extends ExampleWorkerOptions>(): Options {
  return JSON.parse(process.argv[2] ?? '{}') as Options;
}

/** Serves the agents until it is stopped, then exits. */
export async function serveExample(
  { address, taskQueue }: ExampleWorkerOptions,
  agents: readonly Agent[],
  warmUp: () => Promise<void>,
): Promise<never> {
  process.on('disconnect', () => process.exit());
  installLogging((line) => {
    if (process.env['HOLDFAST_DEBUG']) toStderr(line);
  });
  const [worker] = await Promise.all([
    createWorker({
      address,
      namespace: 'default',
      ...(taskQueue !== undefined && { taskQueue }),
      agents,
      // Ignore API keys: the scene depends on the offline script.
      model: {},
      temporal: { shutdownGraceTime: 0, shutdownForceTime: '2 s' },
    }),
    warmUp(),
  ]);
  const running = worker.run();
  report({ ready: true });
  await running;
  process.exit();
}

/** Wraps a tool: for inputs that `nameIfDoomed` names, it takes effect, but its result never leaves the process. */
export function holdAnswer(tool: Tool, nameIfDoomed: (input: never) => string | undefined): Tool {
  const { run } = tool;
  if (!run) return tool;
  const withholding: typeof run = async (input, ctx) => {
    const result = await run(input, ctx);
    const name = nameIfDoomed(input);
    if (name === undefined) return result;
    report({ held: name });
    await sleep(HOUR_MS, undefined, { signal: ctx.signal });
    return result;
  };
  return { ...tool, run: withholding };
}
