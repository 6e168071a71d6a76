// Import arrows go one way: core ← workflows, core ← activities ← agents ← worker, core ← client ← worker ← cli.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Import, importsOf } from './imports.ts';

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
  workflows: { folders: ['workflows', 'core'], packages: ['@temporalio/workflow', '@temporalio/common'] },
  activities: {
    folders: ['activities', 'core'],
    packages: [
      '@temporalio/activity',
      '@temporalio/common',
      '@modelcontextprotocol/client',
      'openai',
      'zod',
      'ajv',
      'piscina',
      'lru-cache',
      'node:',
    ],
  },
  agents: {
    folders: ['agents', 'activities'],
    types: ['core'],
    packages: ['zod', 'pg', '@electric-sql/pglite', 'libpg-query', 'piscina', 'node:'],
  },
  client: {
    folders: ['client', 'core'],
    packages: ['@temporalio/client', '@temporalio/common', '@temporalio/envconfig', 'lru-cache', 'node:'],
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
  // Types of the protocol, in whose words a server in memory speaks with the SDK. Its code comes from the SDK's own copy.
  'worker/memory/': ['@temporalio/proto', '@temporalio/core-bridge'],
};

function isAllowed({ from, to, isType }: Import, layer: Layer): boolean {
  const folder = to.split('/')[0] ?? '';
  if (layer.folders.includes(folder)) return true;
  if (isType && layer.types?.includes(folder)) return true;
  if (layer.packages.some((name) => to === name || to.startsWith(name.endsWith(':') ? name : `${name}/`))) return true;
  return Object.entries(EXCEPTIONS).some(([prefix, files]) => from.startsWith(prefix) && files.includes(to));
}

for (const [name, layer] of Object.entries(LAYERS))
  test(`imports only what its layer may in ${name}/`, async () => {
    const imports = await importsOf(name);
    assert.ok(imports.length > 0 || name === 'core', 'it found no import at all: the pattern no longer fits the code');
    const wrong = imports.filter((found) => !isAllowed(found, layer)).map(({ from, to }) => `${from} imports ${to}`);
    assert.deepEqual(wrong, []);
  });

test('imports the command line only from itself and the tests', async () => {
  for (const folder of Object.keys(LAYERS))
    for (const { from, to } of await importsOf(folder)) assert.ok(!to.startsWith('cli/'), `${from} imports ${to}`);
});
