// The package as a user has it: packed, installed in an empty folder with a short agents file.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, rename, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { eventually } from '../support/waits.ts';

export const run = promisify(execFile);
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const TARBALL = 'holdfast-0.1.0.tgz';

// The package wants Node 22.18, which the machine's own may not be; the project's is.
export const env = { ...process.env, PATH: [dirname(process.execPath), process.env['PATH']].join(delimiter) };

export const AGENTS = `import { asTool, defineAgent, defineTool } from 'holdfast';
import { z } from 'zod';
const shout = defineTool({
  name: 'shout', description: 'Shouts.', input: z.object({ text: z.string() }), effect: 'read',
  run: ({ text }) => text.toUpperCase(),
});
export const crier = defineAgent({
  name: 'crier', model: 'gpt-4o-mini', instructions: 'You shout.', tools: [shout],
  offline: [{ calls: [{ tool: 'shout', arguments: { text: 'hear ye' } }] }, ({ results }) => String(results[0]?.result)],
});
export const town = defineAgent({
  name: 'town', model: 'gpt-4o-mini', instructions: 'You have a crier.',
  tools: [asTool(crier, { name: 'ask_crier', description: 'Has something shouted.' })],
  offline: [{ calls: [{ tool: 'ask_crier', arguments: { input: 'Go.' } }] }, 'It was shouted.'],
});
`;

/** A folder of a stranger's project, in which the package and these others are installed. */
export async function installedFolder(...others: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-package-'));
  await packInto(folder);
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'stranger', private: true, type: 'module' }));
  await writeFile(join(folder, 'agents.ts'), AGENTS);
  await inside(folder, 'npm', ['install', '--no-audit', '--no-fund', `./${TARBALL}`, 'zod@4', ...others]);
  return folder;
}

/** Packs once for all files of a test run: two that build at once would do so in one folder. */
async function packInto(folder: string): Promise<void> {
  const shared = process.env['HOLDFAST_TEST_SHARED'];
  if (shared === undefined) throw new Error('HOLDFAST_TEST_SHARED is missing. Run this file with "npm test FILE".');
  const packing = join(shared, 'packing');
  const packed = join(shared, TARBALL);
  const isFirst = await mkdir(packing).then(
    () => true,
    () => false,
  );
  if (isFirst) {
    await run('npm', ['pack', '--pack-destination', packing], { cwd: root, env, maxBuffer: 1e8 });
    await rename(join(packing, TARBALL), packed);
  }
  const isThere = () => stat(packed).then(Boolean, () => false);
  await eventually(isThere, PACKED_WITHIN_MS);
  await copyFile(packed, join(folder, TARBALL));
}

const PACKED_WITHIN_MS = 200_000;

export function inside(cwd: string, command: string, args: string[], more: Readonly<Record<string, string>> = {}) {
  return run(command, args, { cwd, env: { ...env, ...more }, timeout: 240_000, maxBuffer: 1e8 });
}

/** `npx holdfast dev` in that folder, ready for runs. */
export async function startDev(cwd: string, more: Readonly<Record<string, string>> = {}) {
  const dev: ChildProcess = spawn(
    'npx',
    ['holdfast', 'dev', '--agents', './agents.ts', '--port', '0', '--ui-port', '0', '--console-port', '0'],
    {
      cwd,
      env: { ...env, ...more },
      detached: true,
    },
  );
  const stop = async () => {
    // The whole group: npx stands between.
    if (dev.exitCode === null) process.kill(-dev.pid!, 'SIGINT');
    await once(dev, 'exit').catch(() => undefined);
  };
  const said: string[] = [];
  let address: string | undefined;
  let consoleLink: string | undefined;
  const ready = new Promise<void>((resolve, reject) => {
    const hear = (line: string) => {
      said.push(line);
      address ??= /^ +server +(127\.0\.0\.1:\d+)/.exec(line)?.[1];
      consoleLink ??= /^ +console +(http\S+)/.exec(line)?.[1];
      if (/holdfast run crier/.test(line)) resolve();
    };
    createInterface(dev.stdout!).on('line', hear);
    createInterface(dev.stderr!).on('line', hear);
    dev.once('exit', () => reject(new Error(said.join('\n'))));
  });
  await ready;
  return { address: address!, consoleLink: consoleLink!, stop };
}
