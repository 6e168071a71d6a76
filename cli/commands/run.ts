// `holdfast run`: starts a run and shows it to its end.
import { text as readAll } from 'node:stream/consumers';
import { Command } from 'commander';
import { NoWorker, type RunHandle, type StartOptions, TemporalUnreachable } from '../../client/index.ts';
import { addressFlags, settingsOf, unlessInterrupted, untilInterrupted, withHoldfast } from '../connected.ts';
import { EXIT, sayError, UsageError, wholeNumber } from '../exit.ts';
import { inertLine } from '../terminal/inert.ts';
import { createScreen } from '../terminal/screen.ts';
import { TYPED } from '../terminal/typed.ts';
import { BUDGET_HELP, budgetTyped } from '../view/budget.ts';
import { followFamily } from '../view/family.ts';
import { printJson, runJson } from '../view/json.ts';
import { tellOfQuestions } from '../view/openQuestions.ts';
import { questionText } from '../view/people.ts';
import { finishOnScreen, followOnScreen } from '../view/showRun.ts';
import { howTo } from './approvals.ts';

interface RunOptions extends StartOptions {
  readonly detach?: boolean;
  readonly json?: boolean;
}

export function runCommand(): Command {
  return new Command('run')
    .description('start a run of an agent, and show it live to its end')
    .argument('<agent>', 'the name of the agent')
    .argument('<input>', 'what it is asked; "-" reads it from stdin')
    .option('--id <id>', 'the run\'s workflow id; an id that exists gives back its run (default: "<agent>-<short id>")')
    .option('--max-turns <n>', "model calls at most (default: the agent's own)", wholeNumber)
    .option(
      '--parallel <n>',
      "tool calls at once; 1 runs them one after another (default: the agent's own)",
      wholeNumber,
    )
    .option('--budget <limits>', `limits of its own, with its sub-agents: ${BUDGET_HELP}`, budgetTyped)
    .option('--detach', 'start the run and leave it')
    .option('--json', 'print one JSON object at the end, and nothing else')
    .action(async (agent: string, input: string, options: RunOptions, command: Command) => {
      if (agent === '') throw new UsageError(`Say which agent: ${TYPED} run AGENT INPUT.`);
      const asked = input === '-' ? await readAll(process.stdin) : input;
      await withHoldfast(command, async (holdfast) => {
        const { detach, json, ...limits } = options;
        const handle = await holdfast.start(agent, asked, limits);
        const flags = addressFlags(settingsOf(command));
        await sayIfOther(handle, agent, asked, options.id);
        if (detach) return detached(handle, json === true, flags);
        return follow(handle, { json: json === true, flags, get: (id) => holdfast.get(id) });
      });
    });
}

/** An id that was there before gives back its run, whatever it was asked: say so before that run is shown. */
async function sayIfOther(handle: RunHandle, agent: string, input: string, id: string | undefined): Promise<void> {
  if (id === undefined) return;
  const run = await handle.read();
  if (run.agent === agent && run.input === input) return;
  const other = run.agent === agent ? 'another input' : `agent ${inertLine(run.agent, 64)}`;
  process.stderr.write(`The id ${handle.workflowId} was there before, with ${other}: this is that run.\n`);
}

async function detached(handle: RunHandle, json: boolean, flags: string): Promise<number> {
  if (json) printJson(runJson(await handle.read()));
  else {
    process.stdout.write(`${handle.workflowId}\n`);
    process.stderr.write(`Started. Follow it: ${TYPED} watch ${handle.workflowId}${flags}\n`);
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
  const screen = createScreen(process.stderr);
  try {
    await unlessInterrupted(handle.pickedUp(), interrupt.signal);
    // Questions are asked here where somebody sits here.
    const keyboard = screen.isLive && process.stdin.isTTY ? { keyboard: process.stdin } : {};
    if (json) await sayQuestions(handle, { flags, get }, interrupt.signal);
    else await followOnScreen(handle, screen, interrupt.signal, { get, flags, ...keyboard });
  } catch (error) {
    if (error instanceof TemporalUnreachable) {
      sayError(error, { json, next: `Come back to the run: ${TYPED} watch ${handle.workflowId}${flags}` });
      return EXIT.unreachable;
    }
    if (!(error instanceof NoWorker)) throw error;
    if (json) printJson(runJson(await handle.read()));
    sayError(error, { json, next: `Follow it: ${TYPED} watch ${handle.workflowId}${flags}` });
    return EXIT.noWorker;
  } finally {
    interrupt.stop();
  }
  const run = await handle.read();
  return finishOnScreen(run, screen, { json, flags, interrupted: interrupt.signal.aborted });
}

/** With --json: nothing but a line about each question, since the run waits for it. */
async function sayQuestions(handle: RunHandle, { flags, get }: Omit<FollowOptions, 'json'>, signal: AbortSignal) {
  const asker = tellOfQuestions({
    say({ handle: { workflowId }, question }) {
      process.stderr.write(`${inertLine(workflowId, 300)} waits: ${questionText(question)}\n`);
      process.stderr.write(`${howTo(workflowId, question, flags)}\n`);
    },
  });
  try {
    for await (const happened of followFamily(handle, get, signal)) asker.add(happened);
  } finally {
    asker.close();
  }
}
