// How long a killed tool waits for its next attempt: from SIGKILL of its worker to the tool's first line on another.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startScriptedModel } from '../activities/testing/index.ts';
import { connect } from '../client/index.ts';
import { scripts } from '../test/durability/agents.ts';
import { untilLedger } from '../test/support/ledger.ts';
import { startWorkerProcess } from '../test/support/workerProcess.ts';
import { startDevServer } from '../worker/dev/devServer.ts';
import { printRow, repeat } from './measure.ts';

const RUNS = 5;
const HEARTBEAT_MS = 2_000;

export async function recovery(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-recovery-'));
  const server = await startDevServer({ dbFile: join(folder, 'temporal.db') });
  const model = await startScriptedModel({ scripts });
  const { address } = server;
  const module = new URL('../test/durability/agents.ts', import.meta.url);
  try {
    const sample = await repeat(RUNS, async (i) => {
      const ledger = join(folder, `ledger-${i}`);
      const taskQueue = `recovery-${i}`;
      const holdfast = await connect({ address, namespace: 'default', taskQueue });
      const options = { address, taskQueue, modelURL: model.baseURL, module, ledger };
      const doomed = await startWorkerProcess(options);
      const run = await holdfast.start('crew', 'wait');
      await untilLedger(ledger, (entries) => entries.some(({ call, what }) => call === 'd' && what === 'started'));
      const heir = await startWorkerProcess(options);
      const killedAtMs = Date.now();
      await doomed.end('SIGKILL');
      await run.result();
      const entries = await untilLedger(ledger, () => true);
      await Promise.all([heir.end('SIGKILL'), holdfast.close()]);
      const again = entries.find(({ call, what, attempt }) => call === 'd' && what === 'started' && attempt === 2);
      return (again?.atMs ?? Number.NaN) - killedAtMs;
    });
    printRow({
      what: `from SIGKILL to the tool's next start, heartbeat ${HEARTBEAT_MS / 1_000} s`,
      sample,
      unit: 'ms',
      target: { at: 'most', value: HEARTBEAT_MS + 3_000 },
    });
  } finally {
    await model.close();
    await server.kill();
    await rm(folder, { recursive: true });
  }
}
