// `npm test`: gets a Temporal server, then runs the whole suite, or the files that are named.
import { glob } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { startDevServer } from '../worker/dev/devServer.ts';
import { findTemporalCli } from '../worker/dev/temporalCli.ts';

/** Two files at once keep two cores busy; more would only lengthen every timeout. */
const FILES_AT_ONCE = 2;
/** No file takes longer, the slowest machine included: beyond this it hangs. */
const FILE_LIMIT_MS = 300_000;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const say = (line: string) => console.log(line);

const named = process.argv.slice(2).map((file) => resolve(file));
const files = named.length > 0 ? named : (await Array.fromAsync(glob('test/**/*.test.ts', { cwd: root }))).sort();

process.env['HOLDFAST_TEMPORAL_CLI'] = await findTemporalCli({ say });
const server = await startDevServer({ say });
process.env['HOLDFAST_TEST_ADDRESS'] = server.address;
// No test may reach a real model, or a server that somebody works with.
for (const name of Object.keys(process.env))
  if (name.startsWith('OPENAI_') || (name.startsWith('TEMPORAL_') && name !== 'TEMPORAL_CLI')) delete process.env[name];

const startedMs = performance.now();
let passed = 0;
let failed = 0;
const failures: string[] = [];
const results = run({
  files: files.map((file) => resolve(root, file)),
  concurrency: FILES_AT_ONCE,
  timeout: FILE_LIMIT_MS,
  cwd: root,
});
results.on('test:pass', (test) => {
  if (test.details.type !== 'suite') passed += 1;
});
results.on('test:fail', (test) => {
  // A suite fails with its tests; count those, and suites that failed by themselves.
  const own = test.details.error as (Error & { failureType?: string }) | undefined;
  if (own?.failureType === 'subtestsFailed') return;
  failed += 1;
  failures.push(`${test.name} (${test.file ?? 'no file'})`);
});
results.compose(new spec()).pipe(process.stdout);
await new Promise((ended) => results.on('end', ended));
await server.stop();

for (const failure of failures) say(`failed: ${failure}`);
say(`${((performance.now() - startedMs) / 1_000).toFixed(0)} s`);
say(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
