// The docs and the comments keep to plain English and to the glossary: phrases that must not come back.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

const INSTEAD: Readonly<Record<string, { readonly phrase: RegExp; readonly write: string }>> = {
  defaults: { phrase: /when not (?:said|given|set)/gi, write: '"default: 500 ms", or a column "default"' },
  told: { phrase: /\b(?:is|are|was|were) told\b/gi, write: 'receives, reads, learns, is reported' },
  continues: { phrase: /\b(?:goes|go|went) on\b/gi, write: 'continues' },
  hears: { phrase: /\bhears?(?: of)?\b(?! that)/gi, write: 'receives, learns' },
  becomes: { phrase: /\b(?:comes|becomes) of\b/gi, write: 'result, what happens to' },
  histories: {
    phrase: /\b(?:chain of (?:runs|links|executions)|links? of (?:a|the|its) (?:chain|run)|linkEvents)\b/gi,
    write: 'history',
  },
  commands: { phrase: /\borders? (?:to|of) (?:a|the) run\b/gi, write: 'command' },
};

/** Figures that a program writes, in its words. */
const GENERATED = /<!-- begin: [\s\S]*?<!-- end: /g;

async function pages(): Promise<string[]> {
  const folders = ['docs', 'bench', 'agents'].map(async (folder) =>
    (await readdir(join(root, folder), { recursive: true })).map((name) => join(folder, name)),
  );
  const files = [...(await readdir(root)), ...(await Promise.all(folders)).flat()];
  return files.filter((name) => name.endsWith('.md'));
}

async function sources(): Promise<string[]> {
  const folders = ['core', 'workflows', 'activities', 'client', 'worker', 'cli', 'agents'].map(async (folder) =>
    (await readdir(join(root, folder), { recursive: true })).map((name) => join(folder, name)),
  );
  return (await Promise.all(folders)).flat().filter((name) => name.endsWith('.ts'));
}

function phrasesIn(file: string, text: string): string[] {
  return Object.values(INSTEAD).flatMap(({ phrase, write }) =>
    [...text.matchAll(phrase)].map(([match]) => `${file}: "${match}"; write ${write}`),
  );
}

test('uses the words of docs/glossary.md', async () => {
  const files = await pages();
  assert.ok(files.includes('README.md') && files.includes('docs/cli.md'), 'the pages are found');
  const texts = files.map(async (file) =>
    phrasesIn(file, (await readFile(join(root, file), 'utf8')).replaceAll(GENERATED, '')),
  );
  assert.deepEqual((await Promise.all(texts)).flat(), []);
});

test('uses them in the comments of the source', async () => {
  const files = await sources();
  assert.ok(files.includes('core/types.ts') && files.includes('cli/main.ts'), 'the sources are found');
  const comments = files.map(async (file) => {
    const lines = (await readFile(join(root, file), 'utf8')).split('\n');
    return phrasesIn(file, lines.filter((line) => /^\s*(?:\/\/|\/?\*)/.test(line)).join('\n'));
  });
  assert.deepEqual((await Promise.all(comments)).flat(), []);
});
