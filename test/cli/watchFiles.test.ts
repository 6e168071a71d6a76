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
  for (const path of ['agents.ts', 'src/deep/tool.ts', 'src/deep/tool.test.ts']) await write(path);
  watching = await watchFiles([join(folder, 'agents.ts')], (path) => {
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
  watching.add([join(folder, path)]);
  const replace = async () => {
    await write('src/deep/.tool.ts.swp');
    await rename(join(folder, 'src/deep/.tool.ts.swp'), join(folder, path));
  };
  // It is watched from some moment after it was added.
  while (seen.length === 0) {
    await write(path);
    await once(changes, 'change', { signal: AbortSignal.timeout(500) }).catch(() => {});
  }
  await reports(path, replace);
  await reports(path, () => write(path));
  await reports(path, () => rm(join(folder, path)));
  await reports(path, () => write(path));
  assert.deepEqual(new Set(seen), new Set([path]));
});

test('reports a file that was not there', async () => {
  const path = 'src/deep/missing.ts';
  watching.add([join(folder, path)]);
  await reports(path, () => write(path));
});

test('ignores the files beside those', async () => {
  const from = seen.length;
  // The last change is the one that is reported.
  for (const path of ['src/deep/tool.test.ts', 'notes.json', 'src/deep/other.ts'])
    await reports('agents.ts', () => write('agents.ts').then(() => write(path)));
  assert.deepEqual(new Set(seen.slice(from)), new Set(['agents.ts']));
});

test('reports many changes at once as few', async () => {
  const many = Array.from({ length: 50 }, (_, i) => `many-${i}.ts`);
  for (const path of many) await write(path);
  watching.add(many.map((path) => join(folder, path)));
  const from = seen.length;
  await reports('agents.ts', async () => {
    for (const path of many) await write(path);
    await write('agents.ts');
  });
  assert.ok(seen.length - from < 10, seen.slice(from).join());
});
