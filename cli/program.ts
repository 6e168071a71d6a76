// The `holdfast` command: its commands and the options that all of them take.
import { Command, InvalidArgumentError } from 'commander';
import { VERSION } from '../core/version.ts';
import { agentsCommand } from './commands/agents.ts';
import { approvalsCommand } from './commands/approvals.ts';
import { cancelCommand } from './commands/cancel.ts';
import { chatCommand } from './commands/chat.ts';
import { devCommand } from './commands/dev.ts';
import { exportCommand } from './commands/export.ts';
import { listCommand } from './commands/list.ts';
import { replayCommand } from './commands/replay.ts';
import { runCommand } from './commands/run.ts';
import { scheduleCommand } from './commands/schedule.ts';
import { sendCommand } from './commands/send.ts';
import { setupCommand } from './commands/setup.ts';
import { showCommand } from './commands/show.ts';
import { watchCommand } from './commands/watch.ts';
import { workerCommand } from './commands/worker.ts';
import { onCommandLine } from './runCommands/onCommandLine.ts';
import { RUN_COMMANDS } from './runCommands/runCommands.ts';
import { TYPED } from './terminal/typed.ts';

export function holdfastProgram(): Command {
  const program = new Command('holdfast')
    .description('Durable LLM agents on Temporal.')
    .version(VERSION)
    .option('--address <host:port>', 'the Temporal server (default: TEMPORAL_ADDRESS, temporal.toml, 127.0.0.1:7233)')
    .option('--namespace <name>', 'its namespace (default: TEMPORAL_NAMESPACE, temporal.toml, "default")')
    .option('--profile <name>', 'a profile of temporal.toml (default: TEMPORAL_PROFILE, "default")')
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError(`Try: ${TYPED} --help`)
    .addHelpText(
      'after',
      '\nExit codes: 0 completed, 1 ended otherwise, 2 usage, 3 Temporal unreachable, 4 no worker answered.',
    );
  for (const command of [
    devCommand(),
    workerCommand(),
    runCommand(),
    chatCommand(),
    watchCommand(),
    showCommand(),
    listCommand(),
    agentsCommand(),
    approvalsCommand(),
    ...RUN_COMMANDS.map(onCommandLine),
    sendCommand(),
    cancelCommand(),
    scheduleCommand(),
    exportCommand(),
    replayCommand(),
    setupCommand(),
  ])
    program.addCommand(inherited(command, program));
  return program.exitOverride();
}

/** A command is made without its parent, and so are the commands in it: they get its settings here. */
function inherited(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent).exitOverride();
  command.showHelpAfterError(`Try: ${TYPED} ${pathOf(command, parent)} --help`);
  for (const argument of command.registeredArguments) if (argument.name() === 'id') argument.argParser(idTyped);
  for (const inner of command.commands) inherited(inner, command);
  return command;
}

/** `schedule add`, without the program's own name. */
function pathOf(command: Command, parent: Command): string {
  return parent.parent === null && parent.name() === 'holdfast' ? command.name() : `${parent.name()} ${command.name()}`;
}

/** The server's own answer to an empty id names neither it nor what to do. */
function idTyped(id: string): string {
  if (id === '') throw new InvalidArgumentError('It is empty: is a variable of your shell not set?');
  return id;
}
