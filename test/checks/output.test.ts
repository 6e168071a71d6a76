// Everything that the command prints goes through one module, which lets nothing pass that a terminal would execute.
import assert from 'node:assert/strict';
import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** What writes to a terminal, or styles a text for one. */
const WRITES =
  /\b(?:stdout|stderr|output|stream)\s*\.\s*write\(|\bconsole\.(?:log|info|warn|error|debug|dir|table|trace)\b|\bstyleText\b/;
/** The module itself; the screens, which pass their lines through it; and what is said before anything is loaded. */
const ALLOWED = [
  'cli/terminal/output.ts',
  'cli/terminal/screen.ts',
  'cli/chat/chatScreen.ts',
  'cli/debug/debugTerminal.ts',
  'cli/main.ts',
];

test('only the output module and the screens write to a terminal', async () => {
  const files = await Array.fromAsync(glob('cli/**/*.ts', { cwd: ROOT }));
  const writing = [];
  for (const file of files) if (WRITES.test(await readFile(join(ROOT, file), 'utf8'))) writing.push(file);
  assert.deepEqual(writing.sort(), ALLOWED.toSorted());
});
