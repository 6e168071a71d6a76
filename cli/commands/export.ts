// `holdfast export`: a run's history, as Temporal's own tools write and read it; of a run that continued as new, those of
// all its links.
import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { readRun } from '../../core/read/readRun.ts';
import { plural } from '../../core/text.ts';
import { historiesToJson } from '../../worker/historyJson.ts';
import { withHoldfast } from '../connected.ts';
import { EXIT, UsageError } from '../exit.ts';

export function exportCommand(): Command {
  return new Command('export')
    .description("write a run's history, with all its links, as Temporal's history JSON")
    .argument('<id>', 'the workflow id of the run')
    .option('-o, --output <file>', 'the file to write (default: stdout)')
    .action((id: string, { output }: { output?: string }, command: Command) =>
      withHoldfast(command, async (holdfast) => {
        const histories = await holdfast.get(id).histories();
        const json = historiesToJson(histories);
        if (output === undefined) process.stdout.write(json);
        else {
          await writeFile(output, json, { mode: 0o600 }).catch((error) => {
            throw new UsageError(`${output} cannot be written: ${error.message}. Name another file with --output.`);
          });
          const events = histories.reduce((sum, history) => sum + (history.events?.length ?? 0), 0);
          const links = histories.length > 1 ? ` in ${histories.length} links` : '';
          process.stderr.write(`Wrote ${output}: ${plural(events, 'event')} of ${id}${links}.\n`);
        }
        const { earlier } = readRun(...histories);
        if (earlier && earlier.turns > 0)
          process.stderr.write(
            `Without the turns before turn ${earlier.turns + 1}: they are no longer kept by the server (retention).\n`,
          );
        return EXIT.completed;
      }),
    );
}
