// `npm run topology`: runs what docker-compose.yml describes, without Docker, until Ctrl-C; with --once, until one run ends.
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { connect } from '../../client/index.ts';
import { findPrograms } from './programs.ts';
import { startTopology, type Topology } from './topology.ts';

const USAGE = `npm run topology -- [--port 7233] [--data FOLDER] [--workers 2] [--agents FILE] [--once] [--build]

  --port     Temporal's port (default 7233; a free one if it is taken)
  --data     folder that keeps the database and the logs (default: a temporary one)
  --workers  number of workers (default 2)
  --agents   module whose agents they serve (default agents/index.ts)
  --once     run the clock agent once, then exit: code 0 if the run completed
  --build    only build the server's programs, which takes minutes the first time`;
const QUESTION = 'What time is it in Tokyo?';
const DEFAULT_PORT = 7233;

const say = (line: string) => console.log(line);

const leaving = new AbortController();
// A second Ctrl-C exits without waiting.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => {
    process.once(signal, () => process.exit(1));
    say('Stopping …');
    leaving.abort();
  });

try {
  process.exitCode = await main();
} catch (error) {
  if (!leaving.signal.aborted) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
// An aborted start may still have work pending, which would keep the process alive.
process.exit();

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: String(DEFAULT_PORT) },
      data: { type: 'string' },
      workers: { type: 'string', default: '2' },
      agents: { type: 'string' },
      once: { type: 'boolean', default: false },
      build: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help || values.build) {
    if (values.help) say(USAGE);
    else await findPrograms(say);
    return 0;
  }
  const startedMs = performance.now();
  const topology = await startTopology({
    say,
    port: values.once ? undefined : wholeNumber('port', values.port),
    folder: values.data,
    workers: wholeNumber('workers', values.workers),
    signal: leaving.signal,
    ...(values.agents !== undefined && { agents: values.agents }),
  });
  say(`Ready in ${((performance.now() - startedMs) / 1_000).toFixed(1)} s; logs are in ${topology.folder}.`);
  try {
    if (!values.once) return await serve(topology);
    // Interrupted: the run has not completed.
    return await Promise.race([runOnce(topology), untilLeaving().then(() => 1)]);
  } finally {
    await topology.stop();
  }
}

async function serve(topology: Topology): Promise<number> {
  for (const [i, worker] of topology.workers.entries())
    void worker.exited.then((how) => say(`Worker ${i + 1} exited (${how}).`));
  say('');
  say('Next, in another terminal:');
  say(`  npm run -s holdfast -- run clock "${QUESTION}" --address ${topology.address}`);
  say('Press Ctrl-C to stop everything.');
  await untilLeaving();
  return 0;
}

async function untilLeaving(): Promise<void> {
  if (!leaving.signal.aborted) await once(leaving.signal, 'abort');
}

async function runOnce({ address, namespace }: Topology): Promise<number> {
  const holdfast = await connect({ address, namespace });
  const { status, output, reason } = await (await holdfast.start('clock', QUESTION)).result();
  await holdfast.close();
  say(`${status}: ${output ?? reason}`);
  return status === 'completed' ? 0 : 1;
}

function wholeNumber(name: string, text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new Error(`--${name} is "${text}". Use a whole number.`);
  return Number(text);
}
