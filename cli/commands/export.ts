// `holdfast export`: a run's history, in the format of Temporal's own tools; for a run that continued as new, all its
// histories.
import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { readRun } from '../../core/read/readRun.ts';
import { plural } from '../../core/text.ts';
import { historiesToJson } from '../../worker/historyJson.ts';
import { withHoldfast } from '../connected.ts';
import { EXIT, UsageError } from '../exit.ts';

export function exportCommand(): Command {
  return new Command('export')
    .description("write a run's history as Temporal's history JSON; of a run that continued as new, all its histories")
    .argument('<id>', 'workflow id of the run')
    .option('-o, --output <file>', 'file to write (default: stdout)')
    .action((id: string, { output }: { output?: string }, command: Command) =>
      withHoldfast(command, async (holdfast) => {
        const histories = await holdfast.get(id).histories();
        const json = historiesToJson(histories);
        if (output === undefined) process.stdout.write(json);
        else {
          await writeFile(output, json, { mode: 0o600 }).catch((error) => {
            throw new UsageError(`${output} cannot be written: ${error.message}. Choose another file with --output.`);
          });
          const events = histories.reduce((sum, history) => sum + (history.events?.length ?? 0), 0);
          const suffix = histories.length > 1 ? ` in ${histories.length} histories` : '';
          process.stderr.write(`Wrote ${output}: ${plural(events, 'event')} of ${id}${suffix}.\n`);
        }
        const { earlier } = readRun(...histories);
        if (earlier && earlier.turns > 0)
          process.stderr.write(
            `The file begins with turn ${earlier.turns + 1}: the server no longer keeps earlier turns (retention).\n`,
          );
        return EXIT.completed;
      }),
    );
}
