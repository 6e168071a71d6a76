// `npm run topology`: what docker-compose.yml describes, run by hand until Ctrl-C; or, with --once, until one run is done.
import { parseArgs } from 'node:util';
import { connect } from '../../client/index.ts';
import { findPrograms } from './programs.ts';
import { startTopology, type Topology } from './topology.ts';

const USAGE = `npm run topology -- [--port 7233] [--data FOLDER] [--workers 2] [--agents FILE] [--once] [--build]

  --port     Temporal's port (default 7233; another one when it is taken)
  --data     keep the database and the logs there, and go on with them next time (default: gone at the end)
  --workers  how many workers (default 2)
  --agents   the module whose agents they serve (default agents/index.ts)
  --once     run the clock agent through it, and end: exit code 0 when the run completed
  --build    only get the server's programs, which takes minutes the first time`;
const QUESTION = 'What time is it in Tokyo?';
const DEFAULT_PORT = 7233;

const say = (line: string) => console.log(line);

// Until everything is up, what has been started ends with this process.
let leave = async (code: number): Promise<void> => process.exit(code);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => void leave(0));

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  await leave(1);
}

async function main(): Promise<void> {
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
  if (values.help) return say(USAGE);
  if (values.build) {
    await findPrograms(say);
    return;
  }
  const startedMs = performance.now();
  const topology = await startTopology({
    say,
    port: values.once ? undefined : wholeNumber('port', values.port),
    folder: values.data,
    workers: wholeNumber('workers', values.workers),
    ...(values.agents !== undefined && { agents: values.agents }),
  });
  leave = async (code) => {
    // A second Ctrl-C does not wait.
    process.once('SIGINT', () => process.exit(1));
    say('Stopping …');
    await topology.stop();
    process.exit(code);
  };
  say(`Ready in ${((performance.now() - startedMs) / 1_000).toFixed(1)} s; logs are in ${topology.folder}.`);
  if (values.once) return leave(await runOnce(topology));
  for (const [i, worker] of topology.workers.entries())
    void worker.exited.then((how) => say(`Worker ${i + 1} has ended (${how}).`));
  say('');
  say('Type next, in another terminal:');
  say(`  npm run -s holdfast -- run clock "${QUESTION}" --address ${topology.address}`);
  say('Ctrl-C ends everything.');
}

async function runOnce({ address, namespace }: Topology): Promise<number> {
  const holdfast = await connect({ address, namespace });
  const { status, output, reason } = await (await holdfast.start('clock', QUESTION)).result();
  await holdfast.close();
  say(`${status}: ${output ?? reason}`);
  return status === 'completed' ? 0 : 1;
}

function wholeNumber(name: string, text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new Error(`--${name} is "${text}". Give a whole number.`);
  return Number(text);
}
