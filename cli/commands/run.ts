// `holdfast run`: starts a run and shows it live until it ends.
import { text as readAll } from 'node:stream/consumers';
import { Command } from 'commander';
import { type Labels, NoWorker, type RunHandle, type StartOptions, TemporalUnreachable } from '../../client/index.ts';
import { type AttachmentOptions, uploaded, withAttachmentOptions } from '../attachmentOptions.ts';
import {
  addressFlags,
  parseName,
  settingsOf,
  unlessInterrupted,
  untilInterrupted,
  userName,
  withHoldfast,
  withTaskQueueOption,
} from '../connected.ts';
import { EXIT, printError, UsageError, wholeNumber } from '../exit.ts';
import { commandLine, PROGRAM } from '../terminal/commandLine.ts';
import { idText, inertLine } from '../terminal/inert.ts';
import { printJson, toStderr, toStdout } from '../terminal/output.ts';
import { createScreen } from '../terminal/screen.ts';
import { BUDGET_HELP, parseBudget } from '../view/budget.ts';
import { CONTEXT_HELP, parseContext } from '../view/context.ts';
import { followFamily } from '../view/family.ts';
import { runJson } from '../view/json.ts';
import { parseLabel } from '../view/labels.ts';
import { reportQuestions } from '../view/openQuestions.ts';
import { questionText } from '../view/people.ts';
import { finishOnScreen, followOnScreen } from '../view/showRun.ts';
import { howTo } from './approvals.ts';

interface RunOptions extends Omit<StartOptions, 'attachments' | 'labels'>, AttachmentOptions {
  readonly label?: Labels;
  readonly taskQueue?: string;
  readonly detach?: boolean;
  readonly json?: boolean;
}

export function runCommand(): Command {
  const command = new Command('run')
    .description('start a run of an agent, and show it live until it ends')
    .argument('<agent>', 'name of the agent')
    .argument('<input>', 'input for the agent; "-" reads it from stdin')
    .option('--id <id>', 'workflow id; if it exists, that run is shown (default: "<agent>-<short id>")')
    .option('--max-turns <n>', "maximum model calls (default: the agent's)", wholeNumber)
    .option(
      '--parallel <n>',
      "maximum tool calls at once; 1 runs them one after another (default: the agent's)",
      wholeNumber,
    )
    .option('--budget <limits>', `limits for the run and its sub-agents: ${BUDGET_HELP}`, parseBudget)
    .option('--context <json>', `context of the run, ${CONTEXT_HELP}`, parseContext)
    .option('--label <key=value>', 'label of the run, by which lists are filtered; may be given again', parseLabel)
    .option('--by <name>', 'who starts it; recorded with the run (default: your user name)', parseName)
    .option('--detach', 'start the run, print its id, and exit')
    .option('--json', 'print one JSON object at the end');
  return withTaskQueueOption(withAttachmentOptions(command)).action(
    async (agent: string, input: string, options: RunOptions, command: Command) => {
      if (agent === '') throw new UsageError(`The agent is missing: ${PROGRAM} run AGENT INPUT`);
      const text = input === '-' ? await readAll(process.stdin) : input;
      await withHoldfast(command, async (holdfast) => {
        const { detach, json, image, file, label, by = userName(), taskQueue: _, ...limits } = options;
        const attachments = await uploaded(holdfast, { image, file });
        const handle = await holdfast.start(agent, text, {
          ...limits,
          ...attachments,
          ...(label && { labels: label }),
          ...(by && { by }),
        });
        const flags = addressFlags(settingsOf(command));
        await warnIfDifferent(handle, agent, text, options.id);
        if (detach) return detached(handle, json === true, flags);
        return follow(handle, { json: json === true, flags, get: (id) => holdfast.get(id) });
      });
    },
  );
}

/** Notes that the id belongs to an earlier run with another agent or input, which is shown instead. */
async function warnIfDifferent(handle: RunHandle, agent: string, input: string, id: string | undefined): Promise<void> {
  if (id === undefined) return;
  const run = await handle.read();
  if (run.agent === agent && run.input === input) return;
  const other = run.agent === agent ? 'another input' : `agent ${inertLine(run.agent, 64)}`;
  toStderr(`The id ${idText(handle.workflowId)} already exists, with ${other}. Showing that run.`);
}

async function detached(handle: RunHandle, json: boolean, flags: string): Promise<number> {
  if (json) printJson(runJson(await handle.read()));
  else {
    toStdout(idText(handle.workflowId));
    toStderr(`Started. Follow it: ${commandLine(['watch', handle.workflowId], flags)}`);
  }
  return EXIT.completed;
}

interface FollowOptions {
  readonly json: boolean;
  readonly flags: string;
  readonly get: (id: string) => RunHandle;
}

async function follow(handle: RunHandle, { json, flags, get }: FollowOptions): Promise<number> {
  const interrupt = untilInterrupted();
  const watch = commandLine(['watch', handle.workflowId], flags);
  const screen = createScreen(process.stderr);
  try {
    await unlessInterrupted(handle.pickedUp(), interrupt.signal);
    // Ask questions here only if somebody can answer them here.
    const keyboard = screen.isLive && process.stdin.isTTY ? { keyboard: process.stdin } : {};
    if (json) await printQuestions(handle, { flags, get }, interrupt.signal);
    else await followOnScreen(handle, screen, interrupt.signal, { get, flags, ...keyboard });
  } catch (error) {
    if (error instanceof TemporalUnreachable) {
      printError(error, { json, next: `Return with: ${watch}` });
      return EXIT.unreachable;
    }
    if (!(error instanceof NoWorker)) throw error;
    if (json) printJson(runJson(await handle.read()));
    printError(error, { json, next: `Follow it: ${watch}` });
    return EXIT.noWorker;
  } finally {
    interrupt.stop();
  }
  const run = await handle.read();
  return finishOnScreen(run, screen, { json, flags, interrupted: interrupt.signal.aborted });
}

/** Prints each question and its command to stderr; with --json, nothing else says what the run waits for. */
async function printQuestions(handle: RunHandle, { flags, get }: Omit<FollowOptions, 'json'>, signal: AbortSignal) {
  const questions = reportQuestions({
    say({ handle: { workflowId }, question }) {
      toStderr(`${idText(workflowId)} waits: ${questionText(question)}`);
      toStderr(howTo(workflowId, question, flags));
    },
  });
  try {
    for await (const happened of followFamily(handle, get, signal)) questions.add(happened);
  } finally {
    questions.close();
  }
}
