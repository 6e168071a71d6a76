// `holdfast export`: a run's history, as Temporal's own tools write and read it.
import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { historyToJson } from '../worker/historyJson.ts';
import { withHoldfast } from './connected.ts';
import { EXIT, UsageError } from './exit.ts';

export function exportCommand(): Command {
  return new Command('export')
    .description("write a run's history as Temporal's history JSON")
    .argument('<id>', 'the workflow id of the run')
    .option('-o, --output <file>', 'the file to write (default: stdout)')
    .action((id: string, { output }: { output?: string }, command: Command) =>
      withHoldfast(command, async (holdfast) => {
        const history = await holdfast.get(id).history();
        const json = historyToJson(history);
        if (output === undefined) process.stdout.write(json);
        else {
          await writeFile(output, json).catch((error) => {
            throw new UsageError(`${output} cannot be written: ${error.message}. Name another file with --output.`);
          });
          process.stderr.write(`Wrote ${output}: ${history.events?.length ?? 0} events of ${id}.\n`);
        }
        return EXIT.completed;
      }),
    );
}
