// `holdfast fork`: starts a run from a turn of another one, with something changed.
import { readFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import type { ForkOptions } from '../../client/index.ts';
import { FORK_EFFECTS } from '../../core/forks.ts';
import { addressFlags, parseName, settingsOf, userName, withHoldfast } from '../connected.ts';
import { EXIT, UsageError, wholeNumber } from '../exit.ts';
import { readText } from '../runCommands/onCommandLine.ts';
import { parseMessage } from '../runCommands/parameters.ts';
import { commandLine } from '../terminal/commandLine.ts';
import { idText } from '../terminal/inert.ts';
import { printJson, toStderr, toStdout } from '../terminal/output.ts';

interface Options extends Pick<ForkOptions, 'turn' | 'id' | 'model' | 'message' | 'effects' | 'by'> {
  readonly instructions?: string;
  readonly editResult?: readonly string[];
  readonly dropTool?: readonly string[];
  readonly json?: boolean;
}

export function forkCommand(): Command {
  return new Command('fork')
    .description('start a run from a turn of another one, with something changed')
    .argument('<id>', 'workflow id of the run, open or ended')
    .requiredOption('--turn <n>', 'the turn to begin with: its model call is made again', wholeNumber)
    .option('--id <id>', 'workflow id of the fork (default: "<id of the run>-fork-<short id>")')
    .option('--model <model>', "model to ask instead of the agent's, such as gpt-4o or local:qwen3")
    .option('--instructions <file>', 'file with instructions in place of the agent\'s; "-" reads stdin')
    .option('--message <text>', 'message to the model, after everything before the turn')
    .option(
      '--edit-result <call=json>',
      'another result of an earlier call, such as 2.0={"paid":false}; may be repeated',
      append,
    )
    .option('--drop-tool <name>', 'tool that the model is not offered; may be repeated', append)
    .addOption(
      new Option('--effects <what>', 'calls that may have an effect: ask a person, block them, or run them live')
        .choices([...FORK_EFFECTS])
        .default('ask'),
    )
    .option('--by <name>', 'who starts it; recorded with the fork (default: your user name)', parseName)
    .option('--json', 'print one JSON object')
    .action(async (id: string, options: Options, command: Command) => {
      const { json, ...rest } = options;
      const forkOptions = await readOptions(rest);
      await withHoldfast(command, async (holdfast) => {
        const fork = await holdfast.get(id).fork(forkOptions);
        const flags = addressFlags(settingsOf(command));
        const { turn, effects } = options;
        if (json) printJson({ workflowId: fork.workflowId, forkOf: { workflowId: id, turn }, effects });
        else {
          toStdout(idText(fork.workflowId));
          toStderr(
            `Started as a fork of ${idText(id)} at turn ${turn}. Follow it: ${commandLine(['watch', fork.workflowId], flags)}`,
          );
        }
        return EXIT.completed;
      });
    });
}

function append(one: string, others: readonly string[] = []): readonly string[] {
  return [...others, one];
}

async function readOptions(options: Omit<Options, 'json'>): Promise<ForkOptions> {
  const { instructions: file, editResult = [], dropTool: dropTools, message, by = userName(), ...rest } = options;
  return {
    ...rest,
    ...(by && { by }),
    ...(message !== undefined && { message: parseMessage(message) }),
    ...(file !== undefined && { instructions: await readInstructions(file) }),
    ...(dropTools && { dropTools }),
    ...(editResult.length > 0 && { results: Object.fromEntries(editResult.map(parseResult)) }),
  };
}

async function readInstructions(file: string): Promise<string> {
  if (file === '-') return readText(file, { readsStdin: true });
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new UsageError(`--instructions: ${file} cannot be read: ${error instanceof Error ? error.message : error}.`);
  }
}

/** `2.0={"paid":false}` */
function parseResult(text: string): [string, unknown] {
  const at = text.indexOf('=');
  const call = text.slice(0, Math.max(0, at)).trim();
  if (call === '')
    throw new UsageError(`--edit-result ${text}: expected a call id and JSON, such as 2.0={"paid":false}.`);
  try {
    return [call, JSON.parse(text.slice(at + 1))];
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(
      `--edit-result ${call}: the result is no JSON: ${why}. A text is written in quotes: ${call}='"not paid"'.`,
    );
  }
}
