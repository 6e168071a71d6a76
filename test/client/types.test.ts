// The output of an agent's definition gives its result its type and its value.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { endToEnd } from '../support/bench.ts';
import { agents, Plan, plain, triage, typed, usePlan, wrong } from './typeClaims.ts';

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const CLAIMS = join(ROOT, 'test/client/typeClaims.ts');

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-types-'));
});
after(() => rm(folder, { recursive: true, force: true }));

/** What the compiler refuses in this file, by line. */
async function refusedLines(file: string): Promise<string[]> {
  const project = join(folder, 'tsconfig.json');
  const typeRoots = [join(ROOT, 'node_modules/@types')];
  const compilerOptions = { typeRoots, rewriteRelativeImportExtensions: false, allowImportingTsExtensions: true };
  await writeFile(project, JSON.stringify({ extends: join(ROOT, 'tsconfig.json'), compilerOptions, include: [file] }));
  const command = join(ROOT, 'node_modules/.bin/tsc');
  return new Promise((resolve) =>
    execFile(command, ['--project', project, '--pretty', 'false'], (_, stdout) =>
      resolve([...stdout.matchAll(/\((\d+),\d+\): error (TS\d+)/g)].map(([, line, code]) => `${line} ${code}`)),
    ),
  );
}

test('compiles every true claim about the type of a result', async () => {
  assert.deepEqual(await refusedLines(CLAIMS), []);
});

test('does not compile any false claim', async () => {
  const file = join(folder, 'falseClaims.mts');
  const claims = [
    "holds<Same<Value['priority'], string>>();",
    "holds<Same<Value['due'], Date>>();",
    "holds<Same<Value['tags'][number]['name'], number>>();",
    "holds<Same<Value['note'], string>>();",
    'holds<Same<OutputOf<typeof plain>, string>>();',
    'holds<Same<OutputOf<typeof plain>, any>>();',
    'holds<Same<Value, unknown>>();',
    'holds<Same<Awaited<ReturnType<typeof runPlan>>, Date | undefined>>();',
    'holds<typeof pay extends Tool<{ tenant: string }, { amount: string }> ? true : false>();',
    '// @ts-expect-error: there is nothing wrong with it\nholds<true>();',
  ];
  const imports = [
    `import { holds, type pay, type plain, type runPlan, type Same, type Value } from '${CLAIMS}';`,
    `import type { Tool } from '${join(ROOT, 'activities/index.ts')}';`,
    `import type { OutputOf } from '${join(ROOT, 'client/index.ts')}';`,
  ];
  await writeFile(file, [...claims, ...imports].join('\n'));
  const wrongClaims = claims.slice(0, -1).map((_, at) => `${at + 1} TS2344`);
  assert.deepEqual(await refusedLines(file), [...wrongClaims, `${claims.length} TS2578`]);
});

endToEnd('typed results', (bench) => {
  const given = { priority: 'high', due: '2031-04-05T00:00:00Z', tags: [{ name: 'wet' }], note: null };
  const agent = bench.agent({ name: triage.name, output: Plan, script: [{ value: given }] });
  test('describes the result', async () => {
    const { run } = await bench.run(agent);
    assert.deepEqual(await usePlan(bench.holdfast, run.workflowId), {
      priority: 'high',
      due: '2031-04-05T00:00:00.000Z',
      tag: 'wet',
      urgency: undefined,
      getTime: undefined,
      untypedPriority: 'high',
    });
  });
});

test('allows lists of agents with different outputs', () => {
  assert.deepEqual(agents, [triage, plain]);
  assert.deepEqual({ typed, wrong }, { typed: triage, wrong: triage });
});
