#!/usr/bin/env node
// Entry point of the `holdfast` command: runs it, and turns errors into one line and an exit code.
import * as nodeModule from 'node:module';
import { join } from 'node:path';
import { cacheDir } from '../worker/cacheDir.ts';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(`holdfast needs Node 22.18 or later; this is ${process.versions.node}.\n`);
  process.exit(1);
}

// Before anything large is loaded: with cached code, a worker polls 150 ms sooner.
nodeModule.enableCompileCache(join(cacheDir(), 'compiled'));
const { CommanderError } = await import('commander');
const { wantsJson, EXIT, exitCodeOf, printError } = await import('./exit.ts');
const { toStderr } = await import('./terminal/output.ts');
const { holdfastProgram } = await import('./program.ts');

// `holdfast list | head -1` closes our stdout.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : EXIT.otherwise));

// Our own errors cover the module type of an agents file, and type stripping is expected.
process.removeAllListeners('warning');
process.on('warning', ({ name, message }) => {
  if (name === 'ExperimentalWarning' || /"type": "module"|MODULE_TYPELESS/.test(message)) return;
  toStderr(`${name}: ${message}`);
});

try {
  await holdfastProgram().parseAsync();
} catch (error) {
  if (error instanceof CommanderError)
    // Commander has printed the error; help and version are no errors.
    process.exit(error.exitCode === 0 ? EXIT.completed : EXIT.usage);
  printError(error, { json: wantsJson(process.argv) });
  process.exit(exitCodeOf(error));
}
