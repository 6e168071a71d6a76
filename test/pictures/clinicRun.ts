// The clinic's run whose timeline the README shows. It was recorded once: drawn again, it is the same picture.
import { readFile, writeFile } from 'node:fs/promises';
import { closeDatabase, warmUp } from '../../agents/clinic/database/index.ts';
import { clinic } from '../../agents/index.ts';
import { connect } from '../../client/index.ts';
import { readRun } from '../../core/read/readRun.ts';
import { timelineSvg } from '../../core/report/timelineSvg.ts';
import { startDevServer } from '../../worker/dev/devServer.ts';
import { historyFromJson, historyToJson } from '../../worker/historyJson.ts';
import { createWorker } from '../../worker/index.ts';
import { withoutTheMachine } from '../support/histories.ts';

const HISTORY = new URL('clinic.json', import.meta.url);
const WARM_RUNS = 5;
const QUESTION =
  'Generate a complete clinical summary for patient P-00123. Include demographics, current medications, allergies, and recent lab results.';

export async function clinicTimeline(): Promise<string> {
  return timelineSvg(readRun(historyFromJson(await readFile(HISTORY, 'utf8'))));
}

export async function recordClinicRun(): Promise<void> {
  // The demo database answers in a millisecond; with a realistic latency, the parallel calls are visible.
  process.env['CLINIC_LATENCY_MS'] = '200,180,150,170';
  await warmUp();
  const server = await startDevServer();
  const settings = { address: server.address, namespace: 'default' };
  const worker = await createWorker({ ...settings, agents: [clinic], model: {} });
  const running = worker.run();
  const holdfast = await connect(settings);
  try {
    // The first runs of a worker are slower: its sandbox and its database are new.
    for (let at = 0; at < WARM_RUNS; at++) await (await holdfast.start('clinic', QUESTION)).result();
    const run = await holdfast.start('clinic', QUESTION, { id: 'clinic-1' });
    await run.result();
    await writeFile(HISTORY, withoutTheMachine(historyToJson(await run.history())));
  } finally {
    worker.shutdown();
    await running;
    await holdfast.close();
    await server.kill();
    await closeDatabase();
  }
}
