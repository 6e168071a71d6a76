// `holdfast record-test`: writes a recorded run as a test of the user's project, with its recording beside it.
import { mkdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { Command, Option } from 'commander';
import { maskHistories } from '../../client/index.ts';
import type { MaskRule } from '../../client/mask/maskHistories.ts';
import { plural } from '../../core/text.ts';
import { NotPlayable, recordingOf } from '../../worker/testing/recording.ts';
import { AGENTS_OPTION, findAgentsFile, loadAgents } from '../agentsFile.ts';
import { settingsOf } from '../connected.ts';
import { EXIT, UsageError } from '../exit.ts';
import { rulesIn } from '../export/mask.ts';
import { fileNameOf, writePrivately } from '../export/privateFile.ts';
import { historiesOfOne } from '../recorded/histories.ts';
import { inertLine } from '../terminal/inert.ts';
import { exitWhenWritten, toStderr } from '../terminal/output.ts';

const FRAMEWORKS = ['node', 'vitest'] as const;

interface RecordTestOptions {
  readonly to?: string;
  readonly agents?: string;
  readonly mask?: string;
  readonly framework?: (typeof FRAMEWORKS)[number];
  readonly force?: boolean;
  readonly allowDifference?: boolean;
}

export function recordTestCommand(): Command {
  return new Command('record-test')
    .description('write a recorded run as a test that needs no server, no model and no network')
    .argument('<run>', 'workflow id of the run, or a history file')
    .option('--to <file>', 'test file to write (default: test/ID.test.ts); the recording goes beside it')
    .option('--agents <file>', AGENTS_OPTION)
    .option('--mask <rules>', 'JSON file with rules for what to replace, as of export')
    .addOption(
      new Option('--framework <name>', 'what runs the test (default: vitest if package.json has it)').choices(
        FRAMEWORKS,
      ),
    )
    .option('--force', 'replace a test that is there')
    .option('--allow-difference', 'write the test although the run comes out otherwise now than in its record')
    .action(async (run: string, options: RecordTestOptions, command: Command) => {
      const code = await recordOne(run, options, command);
      // The SDK's runtime keeps the process.
      exitWhenWritten(code);
    });
}

async function recordOne(run: string, options: RecordTestOptions, command: Command): Promise<number> {
  const file = await findAgentsFile(options.agents);
  const agents = await loadAgents(file);
  const rules: readonly MaskRule[] = options.mask === undefined ? [] : await rulesIn(options.mask);
  try {
    const found = await historiesOfOne(run, settingsOf(command), 'recorded');
    if (rules.length > 0) await maskHistories(found, rules);
    const recording = recordingOf(...found);
    const target = resolve(options.to ?? join('test', `${fileNameOf(recording.workflowId)}.test.ts`));
    if (!/\.m?[jt]s$/.test(target))
      throw new UsageError(
        `--to ${options.to} is no file of a test, which is an ES module. Name one such as test/refund.test.ts.`,
      );
    const beside = target.replace(/(\.test|\.spec)?\.m?[jt]s$/, '.recording.json');
    if (!options.force && (await stat(target).catch(() => null)))
      throw new UsageError(
        `${relative('.', target)} is there already. Choose another file with --to, or replace it with --force.`,
      );
    const [{ DiffersFromRecord, recordTest }, { silenceSdk }] = await Promise.all([
      import('../../worker/testing/recordTest.ts'),
      import('../../worker/replay/replayer.ts'),
    ]);
    silenceSdk();
    const framework = options.framework ?? (await frameworkHere());
    const path = pathFrom(dirname(target), file);
    const written = await recordTest(recording, {
      agents,
      // Node imports by a URL, in which some characters of paths have another meaning; Vite imports by a path.
      module: framework === 'node' ? path.split('/').map(encodeURIComponent).join('/') : path,
      recordingFile: `./${encodeURIComponent(basename(beside))}`,
      framework,
      allowDifference: options.allowDifference === true,
    }).catch((error: Error) => {
      const otherwise =
        error instanceof DiffersFromRecord
          ? ' The test would expect that: write it all the same with --allow-difference.'
          : '';
      const masked = rules.length > 0 ? ' If the mask hides what the agent reads, leave that out of the rules.' : '';
      throw new UsageError(`${run} cannot be a test: ${error.message}${masked}${otherwise}`);
    });
    await mkdir(dirname(target), { recursive: true });
    await writePrivately(beside, written.recording);
    await writePrivately(target, written.test);
    const { recorded, unseen, requests } = written.manifest;
    toStderr(
      `Wrote ${relative('.', target)} and ${relative('.', beside)}.`,
      `Recorded: ${plural(recorded.answers, 'answer')}, ${plural(recorded.decisions, 'decision')}, results of ${Object.keys(recorded.results).join(', ') || 'no tool'}.`,
      ...(unseen.length > 0
        ? [`Not called in this run, and not in the test: ${unseen.map((name) => inertLine(name, 64)).join(', ')}.`]
        : []),
      ...(requests.unstable.length > 0
        ? [
            `Other each time, and not compared in requests: ${requests.unstable.map((part) => inertLine(part, 80)).join(', ')}.`,
          ]
        : []),
    );
    return EXIT.completed;
  } catch (error) {
    if (error instanceof NotPlayable) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}

/** As a test in this folder imports it. */
function pathFrom(folder: string, file: string): string {
  const path = relative(folder, file).split(sep).join('/');
  return path.startsWith('.') ? path : `./${path}`;
}

async function frameworkHere(): Promise<(typeof FRAMEWORKS)[number]> {
  try {
    const { dependencies, devDependencies } = JSON.parse(await readFile('package.json', 'utf8'));
    return { ...dependencies, ...devDependencies }.vitest === undefined ? 'node' : 'vitest';
  } catch {
    return 'node';
  }
}
