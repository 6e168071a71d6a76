// `holdfast export`: a run's history, in the format of Temporal's own tools; for a run that continued as new, all its
// histories.
import { randomUUID } from 'node:crypto';
import { lstat, open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { readRun } from '../../core/read/readRun.ts';
import { plural } from '../../core/text.ts';
import { visibleJson } from '../../core/visible.ts';
import { historiesToJson } from '../../worker/historyJson.ts';
import { withHoldfast } from '../connected.ts';
import { EXIT, UsageError } from '../exit.ts';
import { idText } from '../terminal/inert.ts';
import { printText, toStderr } from '../terminal/output.ts';

export function exportCommand(): Command {
  return new Command('export')
    .description("write a run's history as Temporal's history JSON; of a run that continued as new, all its histories")
    .argument('<id>', 'workflow id of the run')
    .option('-o, --output <file>', 'file to write (default: stdout)')
    .action((id: string, { output }: { output?: string }, command: Command) =>
      withHoldfast(command, async (holdfast) => {
        const histories = await holdfast.get(id).histories();
        const json = visibleJson(historiesToJson(histories));
        if (output === undefined) printText(json);
        else {
          await writePrivately(output, json).catch((error) => {
            throw new UsageError(`${output} cannot be written: ${error.message}. Choose another file with --output.`);
          });
          const events = histories.reduce((sum, history) => sum + (history.events?.length ?? 0), 0);
          const suffix = histories.length > 1 ? ` in ${histories.length} histories` : '';
          toStderr(`Wrote ${output}: ${plural(events, 'event')} of ${idText(id)}${suffix}.`);
        }
        const { earlier } = readRun(...histories);
        if (earlier && earlier.turns > 0)
          toStderr(
            `The file begins with turn ${earlier.turns + 1}: the server no longer keeps earlier turns (retention).`,
          );
        return EXIT.completed;
      }),
    );
}

/**
 * Writes a file that only its owner can read, whatever was there: a new file replaces the old one, which others may have
 * open or may be allowed to read. Follows no symbolic link, since somebody else may have made it.
 */
async function writePrivately(path: string, text: string): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (found?.isDirectory()) throw new Error('it is a folder');
  // A pipe or a device, such as /dev/stdout, keeps nothing and cannot be replaced.
  if (found && !found.isFile()) return writeFile(path, text);
  const entry = await lstat(path).catch(() => null);
  if (entry?.isSymbolicLink()) throw new Error('it is a symbolic link');
  const draft = `${path}.${randomUUID()}`;
  try {
    const file = await open(draft, 'wx', 0o600);
    await file.writeFile(text).finally(() => file.close());
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
