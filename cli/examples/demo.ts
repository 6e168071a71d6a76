// `npm start`: the clinic agent writes a summary with four parallel tools, then again with one tool at a time, to measure
// the difference. Runs on its own temporary server.
import { join } from 'node:path';
import { closeDatabase, warmUp } from '../../agents/clinic/database/index.ts';
import { clinic } from '../../agents/index.ts';
import { connect, type Holdfast } from '../../client/index.ts';
import type { Run } from '../../core/read/run.ts';
import { createWorker } from '../../worker/createWorker.ts';
import { startDevServer } from '../../worker/dev/devServer.ts';
import { findTemporalCli } from '../../worker/dev/temporalCli.ts';
import { exitCodeOfRun } from '../exit.ts';
import { cleanUpInOrder } from '../terminal/cleanUp.ts';
import { inert } from '../terminal/inert.ts';
import { installLogging } from '../terminal/logging.ts';
import { createScreen, seconds } from '../terminal/screen.ts';
import { wrapped } from '../terminal/wrap.ts';
import { batchTime, comparison } from '../view/batchTime.ts';
import { bars, ended, followOnScreen, summary } from '../view/showRun.ts';
import { runExample } from './runExample.ts';

const QUESTION =
  'Generate a complete clinical summary for patient P-00123. Include demographics, current medications, allergies, and recent lab results.';
/** The demo database answers in a millisecond; with a realistic latency, the parallel calls are visible. */
const LATENCY_MS = '200,180,150,170';

const screen = createScreen(process.stdout);
const cleanUp = cleanUpInOrder();
const interrupt = new AbortController();
await runExample(demo, { cleanUp, interrupt, clear: () => screen.clear() });

async function demo(): Promise<number> {
  isolateEnvironment();
  const holdfast = await setUp();
  const first = await watchRun(holdfast);
  screen.print('', ...bars(first, screen), '', ...wrapped(inert(first.output ?? ''), screen.columns), '');
  screen.print(...summary(first, screen), '');
  const together = batchTime(first);
  if (together) {
    screen.print('Once more, with one tool at a time, to compare …');
    const handle = await holdfast.start('clinic', QUESTION, { parallel: 1 });
    await ended(handle);
    screen.print(screen.paint('bold', comparison(together, batchTime(await handle.read()))));
  }
  screen.print(...whereNext());
  return exitCodeOfRun(first);
}

/** Keeps the demo away from production: ignores settings of servers and databases, but not of the model. */
function isolateEnvironment(): void {
  for (const name of Object.keys(process.env)) if (name.startsWith('TEMPORAL_')) delete process.env[name];
  // A missing file has no profiles.
  process.env['TEMPORAL_CONFIG_FILE'] = join(import.meta.dirname, 'none.toml');
  delete process.env['DATABASE_URL'];
  process.env['CLINIC_LATENCY_MS'] ??= LATENCY_MS;
}

async function setUp(): Promise<Holdfast> {
  screen.print('Holdfast: durable LLM agents on Temporal. Setting up …');
  installLogging((line) => screen.print(line));
  const database = step('clinic database', openClinic);
  // Awaited below; if another step fails first, that error is reported.
  database.catch(() => {});
  const server = await step('Temporal dev server', startServer);
  const settings = { address: server.address, namespace: server.namespace };
  const worker = await step('worker', async () => {
    const made = await createWorker({
      ...settings,
      agents: [clinic],
      streamIntervalMs: 100,
      // Nothing here is worth a graceful shutdown.
      temporal: { shutdownGraceTime: 0, shutdownForceTime: '2 s' },
    });
    const running = made.run();
    cleanUp.add(async () => {
      made.shutdown();
      await running;
    });
    return made;
  });
  const [holdfast] = await Promise.all([connect(settings), database]);
  cleanUp.add(() => holdfast.close());
  screen.print(`  model: ${worker.model.description}`, `ready in ${seconds(process.uptime() * 1_000)}`, '');
  return holdfast;
}

async function startServer() {
  const cli = await findTemporalCli({ say: (line) => screen.print(`  ${line}`) });
  const server = await startDevServer({ cli });
  // It has no data to keep, so kill it.
  cleanUp.add(() => server.kill());
  return server;
}

async function openClinic(): Promise<void> {
  cleanUp.add(closeDatabase);
  await warmUp();
}

/** Runs a step and prints how long it takes, every few seconds and at the end. */
async function step<T>(name: string, run: () => Promise<T>): Promise<T> {
  const startedAtMs = performance.now();
  const took = () => seconds(performance.now() - startedAtMs);
  const ticker = setInterval(() => screen.print(`  ${name}: ${took()} …`), 5_000);
  try {
    const result = await run();
    screen.print(`  ${name}: ${took()}`);
    return result;
  } finally {
    clearInterval(ticker);
  }
}

async function watchRun(holdfast: Holdfast): Promise<Run> {
  const handle = await holdfast.start('clinic', QUESTION);
  await followOnScreen(handle, screen, interrupt.signal);
  return handle.read();
}

function whereNext(): string[] {
  return [
    '',
    'Where to look next:',
    '  npm run dev             server, Web UI and worker; prints what to type next',
    '  agents/clinic/agent.ts  the agent that just ran',
    '  docs/cli.md             the holdfast command',
  ];
}
