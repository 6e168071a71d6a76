// How long `holdfast worker` takes from the start of its process until it polls, with a prebuilt bundle.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startDevServer } from '../worker/dev/devServer.ts';
import { workflowCode } from '../worker/workflowBundle.ts';
import { printRow, repeat } from './measure.ts';

const RUNS = 9;
const root = fileURLToPath(new URL('..', import.meta.url));

export async function workerStart(): Promise<void> {
  const server = await startDevServer();
  const startMs = async () => {
    const startedMs = performance.now();
    const args = ['cli/main.ts', '--address', server.address, 'worker', '--agents', 'agents/clock/agent.ts'];
    const worker = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = once(worker, 'exit');
    for await (const line of createInterface(worker.stdout)) if (line.startsWith('Polling')) break;
    const ms = performance.now() - startedMs;
    worker.kill('SIGKILL');
    await exited;
    return ms;
  };
  try {
    // Caches the bundle, as the published package ships it, and the compiled code of the first start.
    await workflowCode();
    await startMs();
    const sample = await repeat(RUNS, startMs);
    printRow({
      what: 'worker start to polling, process included',
      sample,
      unit: 'ms',
      target: { at: 'most', value: 800 },
    });
  } finally {
    await server.kill();
  }
}
