// `npm run check`: format and lint, types, and the rules about layers and the bundle, side by side.
import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (name: string) => `${root}/node_modules/.bin/${name}`;

const CHECKS: Readonly<Record<string, readonly string[]>> = {
  'format and lint': [
    bin('biome'),
    'ci',
    '--error-on-warnings',
    ...(process.stdout.isTTY ? [] : ['--colors=off']),
    '.',
  ],
  types: [bin('tsc')],
  "the console's types": [bin('tsc'), '--project', `${root}/cli/console/page`],
  'layers and bundle': [process.execPath, '--test', `${root}/test/checks/*.test.ts`],
};

const results = await Promise.all(
  Object.entries(CHECKS).map(async ([name, [command, ...args]]) => {
    const startedMs = performance.now();
    const child = spawn(command!, args, {
      cwd: root,
      env: process.stdout.isTTY ? { ...process.env, FORCE_COLOR: '1' } : process.env,
    });
    let output = '';
    child.stdout.on('data', (data) => {
      output += data;
    });
    child.stderr.on('data', (data) => {
      output += data;
    });
    const code = await new Promise<number | null>((ended) => child.on('close', ended));
    const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
    console.log(`${code === 0 ? '✓' : '✗'} ${name} (${seconds} s)`);
    if (code !== 0) console.log(output);
    return code === 0;
  }),
);
process.exitCode = results.every(Boolean) ? 0 : 1;
