#!/usr/bin/env node
// The `holdfast` command's entry: runs it, and turns what goes wrong into one line and an exit code.
import * as nodeModule from 'node:module';
import { join } from 'node:path';
import { cacheDir } from '../worker/cacheDir.ts';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(`holdfast needs Node 22.18 or later; this is ${process.versions.node}.\n`);
  process.exit(1);
}

// Before anything large is loaded: with what was compiled last time, a worker polls 150 ms sooner.
nodeModule.enableCompileCache(join(cacheDir(), 'compiled'));
const { CommanderError } = await import('commander');
const { asksForJson, EXIT, exitCodeOf, sayError } = await import('./exit.ts');
const { holdfastProgram } = await import('./program.ts');

// `holdfast list | head -1` closes our stdout, and wants no more.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : EXIT.otherwise));

// What Node has to say about the module type of an agents file, the error says better; and that it strips types is no news.
process.removeAllListeners('warning');
process.on('warning', ({ name, message }) => {
  if (name === 'ExperimentalWarning' || /"type": "module"|MODULE_TYPELESS/.test(message)) return;
  process.stderr.write(`${name}: ${message}\n`);
});

try {
  await holdfastProgram().parseAsync();
} catch (error) {
  if (error instanceof CommanderError)
    // Commander has said what is wrong; help and version are not wrong.
    process.exit(error.exitCode === 0 ? EXIT.completed : EXIT.usage);
  sayError(error, { json: asksForJson(process.argv) });
  process.exit(exitCodeOf(error));
}
