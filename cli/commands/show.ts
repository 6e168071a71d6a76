// `holdfast show`: a run as it is now, or its transcript.
import { Command } from 'commander';
import type { Message } from '../../core/types.ts';
import { addressFlags, settingsOf, withHoldfast } from '../connected.ts';
import { EXIT } from '../exit.ts';
import { inert, inertLine } from '../terminal/inert.ts';
import { createScreen, type Screen } from '../terminal/screen.ts';
import { typed } from '../terminal/typed.ts';
import { askedBelow } from '../view/family.ts';
import { printJson, runJson } from '../view/json.ts';
import { bars, compactionLines, peopleLines, summary } from '../view/showRun.ts';
import { stuckLine } from '../view/stuck.ts';
import { howTo } from './approvals.ts';

/** What to type about the run itself, and about the first of its sub-agents that wait. */
const HINTS_MAX = 5;

interface ShowOptions {
  readonly transcript?: boolean;
  readonly json?: boolean;
}

export function showCommand(): Command {
  return new Command('show')
    .description('show a run as it is now')
    .argument('<id>', 'the workflow id of the run')
    .option('--transcript', 'show the messages, as the next model call would be sent them')
    .option('--json', 'print one JSON object, the same as of run; with --transcript one JSON array of messages')
    .action((id: string, { transcript, json }: ShowOptions, command: Command) =>
      withHoldfast(command, async (holdfast) => {
        const run = await holdfast.get(id).read();
        const screen = createScreen(process.stdout);
        if (transcript && json) printJson(run.transcript);
        else if (transcript) screen.print(...run.transcript.flatMap((message) => spoken(message, screen)));
        else if (json) printJson(runJson(run));
        else {
          screen.print(`${screen.paint('bold', inertLine(run.agent, 64))}: ${inert(run.input)}`, '');
          screen.print(...bars(run, screen), '');
          if (run.compactions.length > 0)
            screen.print(...run.compactions.flatMap((one) => compactionLines(one, screen)), '');
          const people = peopleLines(run, screen);
          if (people.length > 0) screen.print(...people, '');
          if (run.output !== null) screen.print(inert(run.output), '');
          screen.print(...summary(run, screen));
          const flags = addressFlags(settingsOf(command));
          const stuck = run.endedAtMs === null ? await stuckLine(holdfast, id) : null;
          if (stuck) process.stderr.write(`${stuck}\n`);
          if (run.paused) process.stderr.write(`Let it go on: ${typed(['resume', id], flags)}\n`);
          for (const asked of [run, ...(await askedBelow(holdfast, run))].slice(0, HINTS_MAX)) {
            const [question] = asked.questions;
            if (question) process.stderr.write(`${howTo(asked.workflowId, question, flags)}\n`);
          }
        }
        return EXIT.completed;
      }),
    );
}

function spoken(message: Message, screen: Screen): string[] {
  const calls = message.role === 'assistant' ? (message.tool_calls ?? []) : [];
  const of = message.role === 'tool' ? ` ${inertLine(message.tool_call_id, 100)}` : '';
  return [
    screen.paint('bold', `── ${message.role}${of}`),
    ...(message.content ? [inert(message.content)] : []),
    ...calls.map(({ id, function: asked }) =>
      screen.paint('cyan', `${inertLine(id, 100)}: ${inertLine(asked.name, 64)} ${inert(asked.arguments)}`),
    ),
    '',
  ];
}
