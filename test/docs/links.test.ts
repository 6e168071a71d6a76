// Links in the docs lead somewhere, in a clone and in the installed package. Packaged docs name nothing that only a clone has.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { access, readdir, readFile } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Where Markdown of ours is, besides the root. */
const FOLDERS = ['docs', 'bench', 'agents'];
/** The one section of the packaged docs that is for whoever has a clone. */
const FOR_CLONES = /^## From a clone$[\s\S]*?(?=^## )/m;
const CLONE_ONLY = [
  /\bnpm (?:run|test|start)\b.*/g,
  /\b(?:docker-compose\.yml|Dockerfile|CONTRIBUTING\.md)/g,
  // A path in a folder of the sources. `holdfast/client` is an entry of the package, and the dot begins a user's own path.
  /(?<![\w./-])(?:core|workflows|activities|agents|client|worker|cli|test|bench)\/[\w./*-]+/g,
];
/** Files that a user's project has under the same name: where the command looks for agents. */
const USERS_OWN = new Set(['agents/index.ts', 'agents/index.js']);

interface Link {
  readonly from: string;
  readonly target: string;
  /** The file that it leads to, from the root; for a link within the page, the page. */
  readonly file: string;
  readonly anchor: string;
}

let texts: Map<string, string>;
let packaged: Set<string>;

before(async () => {
  const inRoot = (await readdir(root)).filter((name) => name.endsWith('.md'));
  const inFolders = FOLDERS.map(async (folder) =>
    (await readdir(join(root, folder), { recursive: true }))
      .filter((name) => name.endsWith('.md'))
      .map((name) => posix.join(folder, name)),
  );
  const files = [...inRoot, ...(await Promise.all(inFolders)).flat()];
  texts = new Map(
    await Promise.all(files.map(async (file) => [file, await readFile(join(root, file), 'utf8')] as const)),
  );
  // npm itself says what `files` means; without scripts, so that nothing is built.
  const { stdout } = await promisify(execFile)('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: root,
    maxBuffer: 1e8,
  });
  const [{ files: listed }] = JSON.parse(stdout) as [{ files: readonly { path: string }[] }];
  packaged = new Set(listed.map(({ path }) => path));
});

const withoutCode = (text: string) => text.replaceAll(/^```[\s\S]*?^```/gm, '').replaceAll(/`[^`\n]*`/g, '');

function linksOf(from: string): Link[] {
  return [...withoutCode(texts.get(from)!).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path = '', anchor = ''] = target.split('#');
      return { from, target, file: path === '' ? from : posix.join(posix.dirname(from), path), anchor };
    });
}

/** The anchors of a page, as GitHub makes them from its headings. */
function anchorsOf(page: string): Set<string> {
  const headings = texts
    .get(page)!
    .replaceAll(/^```[\s\S]*?^```/gm, '')
    .matchAll(/^#+ (.*)$/gm);
  return new Set(
    [...headings].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

const shown = ({ from, target }: Link) => `${from}: ${target}`;

test('links only to existing files and headings', async () => {
  const links = [...texts.keys()].flatMap(linksOf);
  assert.ok(links.length > 50, 'links are found');
  const dead: Link[] = [];
  for (const link of links) {
    const isThere = await access(join(root, link.file)).then(
      () => true,
      () => false,
    );
    const leadsOn = link.anchor === '' || (texts.has(link.file) && anchorsOf(link.file).has(link.anchor));
    if (!isThere || !leadsOn) dead.push(link);
  }
  assert.deepEqual(dead.map(shown), []);
});

test('links from packaged pages only to packaged files', () => {
  const pages = [...texts.keys()].filter((file) => packaged.has(file));
  assert.ok(pages.includes('README.md') && pages.includes('docs/guide.md'), 'the package has its docs');
  const dead = pages.flatMap(linksOf).filter(({ file }) => !packaged.has(file));
  assert.deepEqual(dead.map(shown), []);
});

test('names no command or file of a clone on packaged pages', () => {
  const found: string[] = [];
  for (const [file, text] of texts) {
    if (!packaged.has(file)) continue;
    const forAll = file === 'README.md' ? text.replace(FOR_CLONES, '') : text;
    for (const pattern of CLONE_ONLY)
      for (const [match] of forAll.matchAll(pattern)) if (!USERS_OWN.has(match)) found.push(`${file}: ${match}`);
  }
  assert.deepEqual(found, []);
});

test('keeps pages for contributors out of the package', () => {
  assert.deepEqual(
    [...packaged].filter((file) =>
      /^docs\/(?:architecture|reliability|simulation|topology|decisions\/.*)\.md$/.test(file),
    ),
    [],
  );
});
