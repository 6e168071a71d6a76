// `holdfast debug`: goes through a run step by step, forwards and back.
import { Command } from 'commander';
import { connect } from '../../client/index.ts';
import { newInRequest } from '../../core/read/newInRequest.ts';
import type { RunStep } from '../../core/read/steps.ts';
import { settingsOf } from '../connected.ts';
import type { DebuggedRun } from '../debug/debugState.ts';
import { debugOnTerminal, type LoadRun } from '../debug/debugTerminal.ts';
import { fromFiles, fromServer } from '../debug/loadRun.ts';
import { stepLines, stepTitle } from '../debug/stepLines.ts';
import { EXIT, UsageError } from '../exit.ts';
import { askForRun, kindOf } from '../recorded/named.ts';
import { printJson, stdoutDrained } from '../terminal/output.ts';
import { createScreen } from '../terminal/screen.ts';
import { wrapped } from '../terminal/wrap.ts';
import { eventJson, isoTime } from '../view/json.ts';

export function debugCommand(): Command {
  return new Command('debug')
    .description('go through a run step by step, forwards and back')
    .argument('<what>', 'workflow id of the run, or a file of holdfast export')
    .option('--json', 'print the steps as one JSON array')
    .action(async (what: string, { json = false }: { json?: boolean }, command: Command) => {
      const settings = settingsOf(command);
      const kind = await kindOf(what);
      if (kind === 'folder')
        throw new UsageError(`${what} is a folder. Name one of its files, or a run by its workflow id.`);
      if (kind === 'file') {
        process.exitCode = await debug(fromFiles(what, settings), json);
        return;
      }
      const holdfast = await askForRun(what, () => connect(settings));
      try {
        const load = fromServer(holdfast, what);
        process.exitCode = await debug((childId) => (childId ? load(childId) : askForRun(what, load)), json);
      } finally {
        await holdfast.close();
      }
    });
}

async function debug(load: LoadRun, json: boolean): Promise<number> {
  const debugged = await load();
  if (json) {
    printJson(debugged.steps.map((step) => stepJson(step, debugged)));
    return EXIT.completed;
  }
  const { stdin, stdout } = process;
  if (stdin.isTTY && stdout.isTTY && process.env['TERM'] !== 'dumb')
    return debugOnTerminal(load, debugged, stdin, stdout);
  await printSteps(debugged);
  return EXIT.completed;
}

/** The same as on a terminal, from the first step to the last. */
async function printSteps({ run, steps }: DebuggedRun): Promise<void> {
  const screen = createScreen(process.stdout);
  for (const [at, step] of steps.entries()) {
    const title = `${step.number}. ${stepTitle(step)}`;
    const lines = stepLines(step, run, steps[at - 1]).flatMap((line) => wrapped(line, screen.columns - 3));
    screen.print(
      step.failed ? screen.paint('red', `${title} ✗`) : screen.paint('bold', title),
      ...lines.map((line) => (line === '' ? '' : `   ${line}`)),
      '',
    );
    await stdoutDrained();
  }
}

function stepJson(step: RunStep, { run }: DebuggedRun): object {
  const { atMs, history, event, ...rest } = step;
  return {
    ...rest,
    at: isoTime(atMs),
    historyNumber: history,
    title: stepTitle(step),
    event: eventJson(event),
    ...(event.type === 'model_call_started' && { request: newInRequest(run, event.turn) }),
  };
}
