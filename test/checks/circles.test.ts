// No imports form a circle, not even of types: shared types have a file of their own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { circlesIn } from './circles.ts';
import { importsOf } from './imports.ts';

const FOLDERS = ['core', 'workflows', 'activities', 'agents', 'client', 'worker', 'cli', 'bench', 'test'];

test('finds import circles, through types and re-exports too', () => {
  const circles = circlesIn([
    { from: 'a.ts', to: 'b.ts' },
    { from: 'b.ts', to: 'c.ts' },
    { from: 'c.ts', to: 'a.ts' },
    { from: 'b.ts', to: 'd.ts' },
    { from: 'd.ts', to: 'node:fs' },
    { from: 'e.ts', to: 'a.ts' },
    { from: 'f.ts', to: 'f.ts' },
  ]);
  assert.deepEqual(circles, ['a.ts -> b.ts -> c.ts -> a.ts', 'f.ts -> f.ts']);
});

test('has no import circles in the source', async () => {
  const imports = (await Promise.all(FOLDERS.map(importsOf))).flat();
  assert.ok(imports.some(({ isType }) => isType) && imports.length > 1_000, 'the pattern no longer fits the code');
  assert.deepEqual(circlesIn(imports), []);
});
