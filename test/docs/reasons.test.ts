// docs/reasons.md lists every code that the engine records, with its parameters, and no other.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** The codes of the type, each with the names of its parameters; a name that may be missing is in brackets. */
async function declared(): Promise<Record<string, string[]>> {
  const source = await readFile(join(root, 'core/reasons/codes.ts'), 'utf8');
  const [, body = ''] = /^export interface ReasonParameters \{\n([\s\S]*?)^\}/m.exec(source) ?? [];
  const codes: Record<string, string[]> = {};
  for (const [, code, parameters] of body.matchAll(/^ {2}readonly (\w+): (None;|\{[\s\S]*?\};)$/gm)) {
    const inner = parameters!.replace(/^\{|\};$|\/\*\*.*?\*\//g, '').replace(/\{.*?\}/g, '');
    codes[code!] = [...inner.matchAll(/readonly (\w+)(\?)?:/g)].map(([, name, maybe]) => (maybe ? `[${name}]` : name!));
  }
  return codes;
}

async function documented(): Promise<Record<string, string[]>> {
  const page = await readFile(join(root, 'docs/reasons.md'), 'utf8');
  const rows = [...page.matchAll(/^\| `(\w+)` \| (.*?) ?\|.*\|$/gm)];
  return Object.fromEntries(
    rows.map(([, code, cell]) => [code, [...cell!.matchAll(/`(\[?\w+\]?)`/g)].map(([, name]) => name!)]),
  );
}

test('lists every reason code with its parameters', async () => {
  const codes = await declared();
  assert.ok(Object.keys(codes).length > 60, 'the type is read');
  assert.deepEqual(await documented(), codes);
});
