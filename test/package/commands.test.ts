// The commands around recorded runs, as an installed package has them, and the tests that they write. This test needs the npm registry.
import assert from 'node:assert/strict';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startScriptedModel } from '../../activities/testing/index.ts';
import { AGENTS, env, inside, installedFolder, run, startDev } from './installed.ts';

let folder: string;
before(async () => {
  folder = await installedFolder('vitest@5');
});
after(() => rm(folder, { recursive: true, force: true }));

test('debugs, forks, asks, compares, plays, exports and replays runs', async () => {
  const { address, stop } = await startDev(folder);
  const model = await startScriptedModel({ scripts: { crier: ['Hear me.'] } });
  /** Returns what the command prints; throws if it does not exit with 0. */
  const holdfast = async (...args: string[]) =>
    (await inside(folder, 'npx', ['holdfast', '--address', address, ...args]).catch((error) => assert.fail(error)))
      .stdout;
  try {
    await holdfast('run', 'crier', 'Ann says go.', '--id', 'first');
    await holdfast('run', 'town', 'Ann says go.', '--id', 'parade');
    assert.match(await holdfast('debug', 'first'), /New in the request to .*crier/);
    await holdfast('fork', 'first', '--turn', '2', '--id', 'second');
    await holdfast('watch', 'second');
    assert.match(await holdfast('diff', 'first', 'second'), /^The runs do the same from turn 2 on\./);
    const [answer] = JSON.parse(await holdfast('ask', 'first', '--turn', '1', '--base-url', model.baseURL, '--json'));
    assert.equal(answer.text, 'Hear me.');
    const agents = ['--agents', './agents.ts'];
    assert.match(await holdfast('rerun', 'first', 'parade', ...agents, '--model', 'recorded'), /^2 of 2 came out as/m);
    await holdfast('record-test', 'first', ...agents, '--to', 'shout.test.ts', '--framework', 'node');
    await holdfast('record-test', 'first', ...agents, '--to', 'vitest/shout.test.ts', '--framework', 'vitest');

    await holdfast('export', 'parade', '--family', '--to', 'family');
    assert.deepEqual((await readdir(join(folder, 'family'))).sort(), ['parade.1.0.json', 'parade.json']);
    await writeFile(join(folder, 'mask.json'), JSON.stringify([{ match: 'Ann', with: 'person-{n}' }]));
    await holdfast('export', '--query', "WorkflowId = 'first'", '--to', 'masked', '--mask', 'mask.json');
    assert.match(await holdfast('debug', 'masked/first.json'), /person-1 says go\./);
    assert.match(await holdfast('replay', 'family', 'masked'), /^3 replayed; all match the workflow code\.$/m);
  } finally {
    await stop();
    await model.close();
  }
});

test('runs a written test with node:test and with vitest, which fails once the agent has changed', async () => {
  const { NODE_TEST_CONTEXT: _, ...own } = env as Record<string, string | undefined>;
  const ended = async (command: string, ...args: string[]) => {
    const options = { cwd: folder, env: { ...own, NO_COLOR: '1' }, timeout: 240_000 };
    return run(command, args, options).then(
      ({ stdout }) => ({ code: 0, text: stdout }),
      ({ code, stdout, stderr }) => ({ code, text: `${stdout}${stderr}` }),
    );
  };
  const both = () =>
    Promise.all([ended('node', '--test', 'shout.test.ts'), ended('npx', 'vitest', 'run', 'vitest/shout.test.ts')]);
  for (const [at, { code, text }] of (await both()).entries()) {
    assert.equal(code, 0, text);
    assert.match(text, [/pass 1/, /1 passed/][at]!);
  }
  await writeFile(join(folder, 'agents.ts'), AGENTS.replace('You shout.', 'You whisper.'));
  try {
    for (const { code, text } of await both()) {
      assert.equal(code, 1, text);
      assert.match(text, /turn 1: instructions/);
    }
  } finally {
    await writeFile(join(folder, 'agents.ts'), AGENTS);
  }
});
