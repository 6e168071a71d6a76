// The workflow bundle contains the interpreter, and no user code or provider's client.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildBundle } from '../../worker/workflowBundle.ts';

/** 2.1 MB when this was written, two thirds of it the source map. */
const BYTES_MAX = 2_500_000;

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
