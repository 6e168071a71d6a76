// Which changes of files restart the agents of `holdfast dev`.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { after, before, test } from 'node:test';
import { type FileWatch, watchFiles } from '../../cli/dev/watchFiles.ts';

let folder: string;
let watching: FileWatch;
/** A report takes a tenth of a second; beyond this it never comes. */
const HANGS_MS = 30_000;
const changes = new EventTarget();
const seen: string[] = [];

const write = async (path: string, text = String(Math.random())) => {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), text);
};
/** Waits until `path` is reported, which the change is to be reason for. */
async function reports(path: string, change: () => Promise<void>): Promise<void> {
  const from = seen.length;
  await change();
  while (!seen.slice(from).includes(path)) await once(changes, 'change', { signal: AbortSignal.timeout(HANGS_MS) });
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-watch-'));
  for (const path of ['agents.ts', 'src/deep/tool.ts', 'node_modules/zod/index.js', 'run.log']) await write(path);
  watching = await watchFiles(folder, (path) => {
    seen.push(relative(folder, path));
    changes.dispatchEvent(new Event('change'));
  });
});
after(async () => {
  await watching.close();
  await rm(folder, { recursive: true });
});

test('reports a file that is written, replaced, removed and restored', async () => {
  const path = 'src/deep/tool.ts';
  const replace = async () => {
    await write('src/deep/.tool.ts.swp');
    await rename(join(folder, 'src/deep/.tool.ts.swp'), join(folder, path));
  };
  await reports(path, () => write(path));
  await reports(path, replace);
  await reports(path, () => write(path));
  await reports(path, () => rm(join(folder, path)));
  await reports(path, () => write(path));
  assert.deepEqual(new Set(seen), new Set([path]));
});

test('reports a file in a new folder', async () => {
  await reports('tools.v2/in/new.ts', () => write('tools.v2/in/new.ts'));
  await reports('tools.v2/in/new.ts', () => write('tools.v2/in/new.ts'));
});

test('ignores packages, hidden files and files that are no source', async () => {
  const from = seen.length;
  const nothing = ['node_modules/zod/index.js', '.env.json', 'run.log', 'dist/agents.js', 'result.txt'];
  // The last change is the one that is reported.
  for (const path of nothing) await reports('agents.ts', () => write('agents.ts').then(() => write(path)));
  assert.deepEqual(new Set(seen.slice(from)), new Set(['agents.ts']));
});

test('reports many changes at once as few', async () => {
  const from = seen.length;
  await reports('agents.ts', async () => {
    for (let i = 0; i < 50; i++) await write(`many/${i}.ts`);
    await write('agents.ts');
  });
  assert.ok(seen.length - from < 10, seen.slice(from).join());
});
