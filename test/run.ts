// `npm test`: gets a Temporal server, then runs the whole suite, or the files that are named.
import { glob, mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { cacheDir } from '../worker/cacheDir.ts';
import { startDevServer } from '../worker/dev/devServer.ts';
import { findTemporalCli } from '../worker/dev/temporalCli.ts';
import { FILE_LIMIT_MS, longestFirst } from './support/files.ts';
import { createTally } from './tally.ts';

/** One more than there are cores: many files wait for timeouts and restarts, and would leave a core idle. */
const FILES_AT_ONCE = availableParallelism() + 1;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const say = (line: string) => console.log(line);

const named = process.argv.slice(2).map((file) => resolve(file));
const files = named.length > 0 ? named : longestFirst(await Array.fromAsync(glob('test/**/*.test.ts', { cwd: root })));

process.env['HOLDFAST_TEMPORAL_CLI'] = await findTemporalCli({ say });
// One that is given belongs to whoever gives it.
const server = process.env['HOLDFAST_TEST_ADDRESS'] ? null : await startDevServer({ say });
if (server) process.env['HOLDFAST_TEST_ADDRESS'] = server.address;
// No test may reach a real model, or a server that somebody works with.
for (const name of Object.keys(process.env))
  if (name.startsWith('OPENAI_') || (name.startsWith('TEMPORAL_') && name !== 'TEMPORAL_CLI')) delete process.env[name];

// Every file and every command that it starts loads the same modules: compiled once, they take half the time.
process.env['NODE_COMPILE_CACHE'] ??= join(cacheDir(), 'compiled');

// What several files use, and one of them makes.
const shared = await mkdtemp(join(tmpdir(), 'holdfast-tests-'));
process.env['HOLDFAST_TEST_SHARED'] = shared;

const startedMs = performance.now();
const tally = createTally(root, { strict: Boolean(process.env['CI']) });
const results = run({
  files: files.map((file) => resolve(root, file)),
  concurrency: FILES_AT_ONCE,
  timeout: FILE_LIMIT_MS,
  execArgv: ['--import', new URL('./support/fileLimit.ts', import.meta.url).href],
  cwd: root,
});
results.on('test:pass', tally.pass);
results.on('test:fail', tally.fail);
results.on('test:summary', tally.summary);
results.compose(new spec()).pipe(process.stdout);
await new Promise((ended) => results.on('end', ended));
await server?.stop();
await rm(shared, { recursive: true, force: true });

for (const line of tally.lines((performance.now() - startedMs) / 1_000)) say(line);
process.exitCode = tally.succeeded() ? 0 : 1;
// What a failed test has left running may hold this process.
setTimeout(() => process.exit(), 5_000).unref();
