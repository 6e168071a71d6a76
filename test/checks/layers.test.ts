// Import arrows go one way: core ← workflows, core ← activities ← agents ← worker, core ← client ← worker ← cli.
import assert from 'node:assert/strict';
import { glob, readFile } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

interface Layer {
  /** Folders whose values it may import; types may come from anywhere that is listed in `types` as well. */
  readonly folders: readonly string[];
  readonly types?: readonly string[];
  /** Packages; `node:` stands for Node's own modules. */
  readonly packages: readonly string[];
}

const LAYERS: Readonly<Record<string, Layer>> = {
  // The SDK's parser of durations, and nothing else: the same one for every side.
  core: { folders: ['core'], packages: ['@temporalio/common/lib/time.js'] },
  workflows: { folders: ['workflows', 'core'], packages: ['@temporalio/workflow'] },
  activities: {
    folders: ['activities', 'core'],
    packages: ['@temporalio/activity', '@temporalio/common', 'openai', 'zod', 'piscina', 'lru-cache', 'node:'],
  },
  agents: {
    folders: ['agents', 'activities'],
    types: ['core'],
    packages: ['zod', 'pg', '@electric-sql/pglite', 'libpg-query', 'piscina', 'node:'],
  },
  client: {
    folders: ['client', 'core'],
    packages: ['@temporalio/client', '@temporalio/common', '@temporalio/envconfig', 'node:'],
  },
  worker: {
    folders: ['worker', 'client', 'activities', 'core'],
    packages: ['@temporalio/worker', '@temporalio/client', '@temporalio/common', 'node:'],
  },
};

/** Files that reach over the arrows, each with its reason. */
const EXCEPTIONS: Readonly<Record<string, readonly string[]>> = {
  // The query's name and type, shared by whoever asks it.
  'client/': ['workflows/messages.ts'],
};

interface Import {
  readonly from: string;
  readonly to: string;
  readonly isType: boolean;
}

async function importsOf(folder: string): Promise<Import[]> {
  const found: Import[] = [];
  for await (const file of glob(`${folder}/**/*.ts`, { cwd: root })) {
    const text = await readFile(resolve(root, file), 'utf8');
    const pattern = /(?:^|\n)\s*(import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)'|\bimport\('([^']+)'\)/g;
    for (const [, , type, fixed, dynamic] of text.matchAll(pattern)) {
      const name = fixed ?? dynamic ?? '';
      const to = name.startsWith('.') ? relative(root, resolve(root, dirname(file), name)) : name;
      found.push({ from: file, to, isType: type !== undefined });
    }
  }
  return found;
}

function isAllowed({ from, to, isType }: Import, layer: Layer): boolean {
  const folder = to.split('/')[0] ?? '';
  if (layer.folders.includes(folder)) return true;
  if (isType && layer.types?.includes(folder)) return true;
  if (layer.packages.some((name) => to === name || to.startsWith(name.endsWith(':') ? name : `${name}/`))) return true;
  return Object.entries(EXCEPTIONS).some(([prefix, files]) => from.startsWith(prefix) && files.includes(to));
}

for (const [name, layer] of Object.entries(LAYERS))
  test(`${name}/ imports only what its layer may`, async () => {
    const imports = await importsOf(name);
    assert.ok(imports.length > 0 || name === 'core', 'it found no import at all: the pattern no longer fits the code');
    const wrong = imports.filter((found) => !isAllowed(found, layer)).map(({ from, to }) => `${from} imports ${to}`);
    assert.deepEqual(wrong, []);
  });

test('nothing but the command line and the tests imports the command line', async () => {
  for (const folder of Object.keys(LAYERS))
    for (const { from, to } of await importsOf(folder)) assert.ok(!to.startsWith('cli/'), `${from} imports ${to}`);
});
