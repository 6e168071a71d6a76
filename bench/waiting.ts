// The cost of runs that wait for a person: the memory of their worker, once they have left its cache, and how long the inbox
// takes to list those that have waited longest.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startScriptedModel } from '../activities/testing/index.ts';
import { connect, type Holdfast } from '../client/index.ts';
import { startWorkerProcess } from '../test/support/workerProcess.ts';
import { startDevServer } from '../worker/dev/devServer.ts';
import { printRow, repeat, sampleOf, WORKER_FLAGS } from './measure.ts';
import { scripts } from './waitingAgents.ts';

const RUNS = Number(process.env['HOLDFAST_BENCH_WAITING'] ?? 10_000);
const STARTS_AT_ONCE = 50;
const CACHED = 100;
const INBOX_READS = 9;
const SETTLED_MS = 30_000;

export async function waiting(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-waiting-'));
  const server = await startDevServer({ dbFile: join(folder, 'temporal.db') });
  const model = await startScriptedModel({ scripts });
  const { address } = server;
  const taskQueue = 'waiting';
  const holdfast = await connect({ address, namespace: 'default', taskQueue });
  const worker = await startWorkerProcess({
    address,
    taskQueue,
    modelURL: model.baseURL,
    module: new URL('./waitingAgents.ts', import.meta.url),
    ledger: join(folder, 'ledger'),
    maxCachedWorkflows: CACHED,
    nodeFlags: WORKER_FLAGS,
  });
  try {
    const idleMb = await residentMb(worker.pid);
    await startAll(holdfast);
    const busyMb = await residentMb(worker.pid);
    // V8 frees the garbage of the starts only after it has been idle for a while.
    await sleep(SETTLED_MS);
    const waitingMb = await residentMb(worker.pid);
    printRow({ what: 'worker, before any run', sample: sampleOf([idleMb]), unit: 'MB' });
    printRow({ what: `worker, right after ${RUNS} starts`, sample: sampleOf([busyMb]), unit: 'MB' });
    printRow({
      what: `worker, ${RUNS} runs waiting, ${CACHED} of them cached`,
      sample: sampleOf([waitingMb]),
      unit: 'MB',
      target: { at: 'most', value: 600 },
    });
    const inbox = await repeat(INBOX_READS, async () => {
      const startedMs = performance.now();
      const { total, waiting: shown } = await holdfast.inbox();
      if (total !== RUNS || shown.length !== 50) throw new Error(`The inbox has ${shown.length} of ${total} runs.`);
      return performance.now() - startedMs;
    });
    printRow({ what: `inbox over ${RUNS} runs`, sample: inbox, unit: 'ms', target: { at: 'most', value: 1_000 } });

    const { waiting: oldest } = await holdfast.inbox({ limit: 10 });
    const decided = await repeat(oldest.length, async (i) => {
      const handle = holdfast.get(oldest[i]!.workflowId);
      const startedMs = performance.now();
      await handle.approve();
      await handle.result();
      return performance.now() - startedMs;
    });
    printRow({ what: 'from a decision to the end of its run, evicted', sample: decided, unit: 'ms' });
  } finally {
    await worker.end('SIGKILL');
    await Promise.all([holdfast.close(), model.close(), server.kill()]);
    await rm(folder, { recursive: true });
  }
}

/** Resolves when all runs wait. */
async function startAll(holdfast: Holdfast): Promise<void> {
  let started = 0;
  const startSome = async () => {
    while (started < RUNS) {
      started += 1;
      await holdfast.start('waiter', `order ${started}`, { id: `waiter-${started}` });
    }
  };
  await Promise.all(Array.from({ length: STARTS_AT_ONCE }, startSome));
  while ((await holdfast.inbox({ limit: 1 })).total < RUNS) await sleep(1_000);
}

async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}
