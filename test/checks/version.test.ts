// The package and its code have the same version.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { VERSION } from '../../core/version.ts';

test('has the version of package.json in core/version.ts and CHANGELOG.md', async () => {
  const read = (name: string) => readFile(new URL(`../../${name}`, import.meta.url), 'utf8');
  assert.equal(VERSION, JSON.parse(await read('package.json')).version);
  assert.match(await read('CHANGELOG.md'), new RegExp(`^## ${VERSION.replaceAll('.', '\\.')}\\b`, 'm'));
});
