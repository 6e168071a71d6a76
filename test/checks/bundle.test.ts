// The workflow bundle contains the interpreter, and no user code or provider's client.
import assert from 'node:assert/strict';
import { glob, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { buildBundle } from '../../worker/workflowBundle.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** 2.6 MB when this was written, two thirds of it the source map. */
const BYTES_MAX = 2_700_000;

test('has no zod, openai, activity, agent or Node code in the workflow bundle', async () => {
  const code = await buildBundle();
  const modules = [...code.matchAll(/^\s*(?:\/\*+\/ )?"?(\.\/[^"\n]+?)"?:?\s*(?:\/\*|\()/gm)].map(
    ([, path]) => path ?? '',
  );
  const ours = [
    ...new Set(
      [...code.matchAll(/["']\.\/((?:core|workflows|activities|agents|client|worker)\/[\w./-]+)["']/g)].map(
        ([, path]) => path,
      ),
    ),
  ];
  assert.ok(
    ours.includes('workflows/agent.ts'),
    `the loop is in it (${ours.length} of ours, ${modules.length} in all)`,
  );
  assert.deepEqual(
    ours.filter((path) => !/^(core|workflows)\//.test(path ?? '')),
    [],
  );
  for (const name of ['zod', 'openai', 'piscina'])
    assert.ok(!code.includes(`node_modules/${name}/`), `${name} is in the bundle`);
  assert.ok(code.length < BYTES_MAX, `the bundle has ${code.length} bytes`);
});

test('keeps no state in a module, since all workflows of a thread share them', async () => {
  // A frozen module can still have a variable of its own, or a Map.
  const kept: string[] = [];
  for await (const file of glob('{core,workflows}/**/*.ts', { cwd: root }))
    for (const [line] of (await readFile(join(root, file), 'utf8')).matchAll(
      /^(?:export )?(?:(?:let|var) .*|const .* = new (?!RegExp|TextEncoder|TextDecoder|Set\(\[).*)$/gm,
    ))
      kept.push(`${file}: ${line}`);
  assert.deepEqual(kept, []);
});
