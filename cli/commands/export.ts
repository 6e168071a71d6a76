// `holdfast export`: histories of runs, in the format of Temporal's own tools; of a run that continued as new, all its histories.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { type FamilyRun, fetchFamily, type Holdfast, type RunHandle } from '../../client/index.ts';
import { readRun } from '../../core/read/readRun.ts';
import { plural } from '../../core/text.ts';
import { visibleJson } from '../../core/visible.ts';
import { historiesToJson } from '../../worker/historyJson.ts';
import { withHoldfast } from '../connected.ts';
import { EXIT, errorText, UsageError } from '../exit.ts';
import { type ExportMask, openMask } from '../export/mask.ts';
import { fileNameOf, writePrivately } from '../export/privateFile.ts';
import { withQueryErrors } from '../recorded/queried.ts';
import { idText } from '../terminal/inert.ts';
import { exitWhenWritten, printText, toStderr } from '../terminal/output.ts';

interface ExportOptions {
  readonly output?: string;
  readonly query?: string;
  readonly to?: string;
  readonly family?: boolean;
  readonly mask?: string;
}

export function exportCommand(): Command {
  return new Command('export')
    .description(
      "write the histories of runs as Temporal's history JSON; of a run that continued as new, all its histories",
    )
    .argument('[id]', 'workflow id of the run')
    .option('-o, --output <file>', 'file to write (default: stdout)')
    .option('--query <query>', 'runs that a visibility query of Temporal finds; with --to')
    .option('--to <folder>', 'folder to write to, one file for each run')
    .option('--family', 'the runs of its sub-agents as well; with --to')
    .option('--mask <rules>', 'JSON file with rules for what to replace')
    .action((id: string | undefined, options: ExportOptions, command: Command) => {
      checkOptions(id, options);
      return withHoldfast(command, (holdfast) => exportRuns(holdfast, id, options));
    });
}

function checkOptions(id: string | undefined, { output, query, to, family }: ExportOptions): void {
  if (id === undefined && query === undefined)
    throw new UsageError('Name the run to export by its workflow id, or several with --query.');
  if (id !== undefined && query !== undefined)
    throw new UsageError(`Both ${JSON.stringify(id)} and --query name what to export. Give one of them.`);
  if (query !== undefined && to === undefined)
    throw new UsageError('--query may find several runs. Name a folder for their files with --to.');
  if (family && to === undefined)
    throw new UsageError('--family writes a file for each run. Name a folder for them with --to.');
  if (output !== undefined && to !== undefined)
    throw new UsageError('--output names a file and --to a folder. Give one of them.');
}

async function exportRuns(
  holdfast: Holdfast,
  id: string | undefined,
  { output, query, to, family = false, mask: rules }: ExportOptions,
): Promise<number> {
  const mask = rules === undefined ? undefined : await openMask(rules);
  const folder = to === undefined ? undefined : await openFolder(to);
  const handles = id === undefined ? withQueryErrors(holdfast.find(query!), query!) : [holdfast.get(id)];
  let code: number = EXIT.completed;
  let [runs, failed] = [0, 0];
  for await (const handle of handles) {
    try {
      const { runs: found, missing } = family ? await fetchFamily(holdfast, handle) : await alone(handle);
      if ((await masked(found, mask)) === 'differs') code = EXIT.otherwise;
      for (const run of found) {
        if (folder) await folder.write(run);
        else await writeOne(run, output);
        runs++;
      }
      for (const one of missing) toStderr(`${idText(one)} is not on the server, so it is not exported.`);
    } catch (error) {
      // Of many runs, one whose payloads cannot be read here does not end the others.
      if (id !== undefined || error instanceof UsageError) throw error;
      failed++;
      toStderr(`${idText(handle.workflowId)} is not exported: ${errorText(error)}`);
    }
  }
  if (folder) toStderr(`Wrote ${plural(runs, 'file')} to ${to}.`);
  if (runs === 0 && failed === 0) toStderr('The query finds no run of an agent.');
  if (mask) {
    await mask.close();
    // The SDK's runtime keeps the process if it has replayed nothing.
    exitWhenWritten(failed > 0 ? EXIT.otherwise : code);
  }
  return failed > 0 ? EXIT.otherwise : code;
}

async function alone(handle: RunHandle): ReturnType<typeof fetchFamily> {
  return { runs: [{ workflowId: handle.workflowId, histories: await handle.histories() }], missing: [] };
}

/** Masks the runs in place. Says which of them do not replay any more. */
async function masked(runs: readonly FamilyRun[], mask: ExportMask | undefined): Promise<'same' | 'differs'> {
  const problems = (await mask?.apply(runs)) ?? [];
  toStderr(...problems);
  return problems.length > 0 ? 'differs' : 'same';
}

async function writeOne({ workflowId, histories }: FamilyRun, output: string | undefined): Promise<void> {
  const json = visibleJson(historiesToJson(histories));
  if (output === undefined) printText(json);
  else {
    await writePrivately(output, json).catch((error) => {
      throw new UsageError(`${output} cannot be written: ${error.message}. Choose another file with --output.`);
    });
    const events = histories.reduce((sum, history) => sum + (history.events?.length ?? 0), 0);
    const suffix = histories.length > 1 ? ` in ${histories.length} histories` : '';
    toStderr(`Wrote ${output}: ${plural(events, 'event')} of ${idText(workflowId)}${suffix}.`);
  }
  const { earlier } = readRun(...histories);
  if (earlier && earlier.turns > 0)
    toStderr(`The file begins with turn ${earlier.turns + 1}: the server no longer keeps earlier turns (retention).`);
}

interface ExportFolder {
  write(run: FamilyRun): Promise<void>;
}

async function openFolder(path: string): Promise<ExportFolder> {
  await mkdir(path, { recursive: true, mode: 0o700 }).catch((error) => {
    throw new UsageError(`${path} cannot be a folder: ${error.message}. Choose another one with --to.`);
  });
  const taken = new Set<string>();
  return {
    async write({ workflowId, histories }) {
      const name = fileNameOf(workflowId);
      // Another run may have had the id before, and some file systems do not tell letters by their case.
      const file = taken.has(name.toLowerCase()) ? `${name}.${firstRunId(histories)}` : name;
      taken.add(file.toLowerCase());
      const target = join(path, `${file}.json`);
      await writePrivately(target, visibleJson(historiesToJson(histories))).catch((error) => {
        throw new UsageError(`${target} cannot be written: ${error.message}. Choose another folder with --to.`);
      });
    },
  };
}

function firstRunId(histories: FamilyRun['histories']): string {
  const started = histories[0]?.events?.[0]?.workflowExecutionStartedEventAttributes;
  return fileNameOf(started?.firstExecutionRunId ?? started?.originalExecutionRunId ?? 'other');
}
