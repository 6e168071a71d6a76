// docs/cli.md and the program list the same commands and options.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import type { Command } from 'commander';
import { holdfastProgram } from '../../cli/program.ts';
import { usageInChat } from '../../cli/runCommands/inChat.ts';
import { RUN_COMMANDS } from '../../cli/runCommands/runCommands.ts';

test('documents every command with every option in docs/cli.md, and no other', async () => {
  const text = await readFile(new URL('../../docs/cli.md', import.meta.url), 'utf8');
  const documented = text
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const [title = ''] = section.split('\n');
      return [title, [...section.matchAll(/^\| `(-[^`]+)` \|/gm)].map(([, flags]) => flags).sort()] as const;
    });
  const program = holdfastProgram();
  const help = '-h, --help';
  const expected = [
    ['Options of every command', [...program.options.map(({ flags }) => flags), help].sort()],
    ['Exit codes', []],
    ...program.commands.flatMap(sections),
  ];
  const byName = (a: readonly unknown[], b: readonly unknown[]) => String(a[0]).localeCompare(String(b[0]));
  assert.deepEqual([...documented].sort(byName), expected.sort(byName));
});

test('documents every chat command as it is typed, and no other', async () => {
  const text = await readFile(new URL('../../docs/cli.md', import.meta.url), 'utf8');
  const [, chat = ''] = /^## chat\n(.*?)^## /ms.exec(text) ?? [];
  const documented = [...chat.matchAll(/^\| (`[^|]+`) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`(\/[a-z][^`]*)`/g)].map(([, usage]) => usage),
  );
  const own = ['/quit', '/cost', '/help'];
  const declared = RUN_COMMANDS.filter(({ notInChat }) => notInChat === undefined).map(usageInChat);
  assert.deepEqual(documented.filter((usage) => !own.includes(usage ?? '')).sort(), declared.sort());
});

/** The title and the options of a command's section; a command of commands has a section for each of them. */
function sections(command: Command): [string, string[]][] {
  if (command.commands.length === 0) return [[command.name(), command.options.map(({ flags }) => flags).sort()]];
  return command.commands.flatMap(sections).map(([name, flags]) => [`${command.name()} ${name}`, flags]);
}
