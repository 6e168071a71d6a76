// Our loop and the bare one side by side: one server, one timed model, and a worker process for each.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect } from '../../client/index.ts';
import { newRunId } from '../../client/runId.ts';
import { startDevServer } from '../../worker/dev/devServer.ts';
import { buildBundle, workflowCode } from '../../worker/workflowBundle.ts';
import type { Asked, Exchange } from './asked.ts';
import { type Part, startPart } from './process.ts';
import { startLoopWorker, type WorkerUse } from './worker.ts';

export type Loop = 'ours' | 'bare';

export interface Stage {
  /** Runs a loop to its end, and returns the exchanges that the model server saw. */
  run(loop: Loop, asked: Omit<Asked, 'key'>): Promise<readonly Exchange[]>;
  use(loop: Loop): Promise<WorkerUse>;
  close(): Promise<void>;
}

export async function openStage(): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-loops-'));
  const server = await startDevServer({ dbFile: join(folder, 'temporal.db'), say: console.log });
  const { address } = server;
  const model: Part<string, Exchange[], string> = await startPart(new URL('./modelMain.ts', import.meta.url));
  const options = { address, modelURL: model.ready };
  // Fills the cache, so that no worker builds the bundle.
  await workflowCode();
  const codePath = join(folder, 'bare-bundle.js');
  await writeFile(codePath, await buildBundle(fileURLToPath(new URL('./bareWorkflow.ts', import.meta.url))));
  const ours = await startLoopWorker({ ...options, taskQueue: 'ours', bare: null });
  const bare = await startLoopWorker({ ...options, taskQueue: 'bare', bare: { codePath, temporal: ours.ready } });
  const workers = { ours, bare };
  const holdfast = await connect({ address, namespace: 'default', taskQueue: 'ours' });

  const runOurs = async (id: string, input: string) => {
    const run = await holdfast.start('loop', input, { id });
    const { status, reason } = await run.result();
    if (status !== 'completed') throw new Error(`${id} ended ${status}: ${reason}`);
  };
  const runBare = (workflowId: string, input: string) =>
    holdfast.client.workflow.execute('bareLoop', { taskQueue: 'bare', workflowId, args: [input] });

  return {
    async run(loop, asked) {
      const key = `${loop}-${newRunId()}`;
      const input = JSON.stringify({ ...asked, key } satisfies Asked);
      await (loop === 'ours' ? runOurs(key, input) : runBare(key, input));
      const exchanges = await model.ask(key);
      if (exchanges.length !== asked.turns + 1)
        throw new Error(`${key} asked the model ${exchanges.length} times, for ${asked.turns} turns.`);
      return exchanges;
    },
    use: (loop) => workers[loop].ask('use'),
    async close() {
      await holdfast.close();
      await Promise.all([ours.end(), bare.end()]);
      await Promise.all([model.end(), server.kill()]);
      await rm(folder, { recursive: true });
    },
  };
}

/** How long the model waited for its next request, turn by turn: from its answer's last byte. */
export function toolPhasesMs(exchanges: readonly Exchange[]): number[] {
  return exchanges.slice(1).map(({ arrivedAtMs }, turn) => arrivedAtMs - exchanges[turn]!.answeredAtMs);
}

export type Pair = Readonly<Record<Loop, readonly number[]>>;

/** Measures both alternately, swapping who is first, so that changes in the machine's load affect them alike. */
export async function alternate<Measured extends Readonly<Record<string, number>>>(
  times: number,
  measure: (loop: Loop) => Promise<Measured>,
): Promise<{ readonly [Name in keyof Measured]: Pair }> {
  const all: Record<Loop, Measured[]> = { ours: [], bare: [] };
  for (let i = 0; i < times; i++)
    for (const loop of i % 2 === 0 ? (['ours', 'bare'] as const) : (['bare', 'ours'] as const))
      all[loop].push(await measure(loop));
  const pairs = Object.keys(all.ours[0]!).map((name) => {
    const values = (loop: Loop) => all[loop].map((measured) => measured[name]!);
    return [name, { ours: values('ours'), bare: values('bare') }];
  });
  // The keys are the measured names, a fact that Object.entries loses.
  return Object.fromEntries(pairs) as { [Name in keyof Measured]: Pair };
}
