// The `holdfast` program: its commands, and the options of every command.
import { Command, InvalidArgumentError } from 'commander';
import { VERSION } from '../core/version.ts';
import { agentsCommand } from './commands/agents.ts';
import { approvalsCommand } from './commands/approvals.ts';
import { askCommand } from './commands/ask.ts';
import { cancelCommand } from './commands/cancel.ts';
import { chatCommand } from './commands/chat.ts';
import { codecServerCommand } from './commands/codecServer.ts';
import { conformCommand } from './commands/conform.ts';
import { consoleCommand } from './commands/console.ts';
import { debugCommand } from './commands/debug.ts';
import { devCommand } from './commands/dev.ts';
import { diffCommand } from './commands/diff.ts';
import { exportCommand } from './commands/export.ts';
import { forkCommand } from './commands/fork.ts';
import { listCommand } from './commands/list.ts';
import { mcpCommand } from './commands/mcp.ts';
import { recordTestCommand } from './commands/recordTest.ts';
import { replayCommand } from './commands/replay.ts';
import { rerunCommand } from './commands/rerun.ts';
import { runCommand } from './commands/run.ts';
import { scheduleCommand } from './commands/schedule.ts';
import { sendCommand } from './commands/send.ts';
import { setupCommand } from './commands/setup.ts';
import { showCommand } from './commands/show.ts';
import { statsCommand } from './commands/stats.ts';
import { watchCommand } from './commands/watch.ts';
import { workerCommand } from './commands/worker.ts';
import { onCommandLine } from './runCommands/onCommandLine.ts';
import { RUN_COMMANDS } from './runCommands/runCommands.ts';
import { PROGRAM } from './terminal/commandLine.ts';
import { printErrorText, printText } from './terminal/output.ts';

export function holdfastProgram(): Command {
  const program = new Command('holdfast')
    .description('Durable LLM agents on Temporal.')
    .version(VERSION)
    .option('--address <host:port>', 'Temporal server (default: TEMPORAL_ADDRESS, temporal.toml, 127.0.0.1:7233)')
    .option('--namespace <name>', 'namespace (default: TEMPORAL_NAMESPACE, temporal.toml, "default")')
    .option('--profile <name>', 'profile of temporal.toml (default: TEMPORAL_PROFILE, "default")')
    .configureHelp({ showGlobalOptions: true })
    // Its errors quote what was typed.
    .configureOutput({ writeOut: printText, writeErr: printErrorText })
    .showHelpAfterError(`Try: ${PROGRAM} --help`)
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
    consoleCommand(),
    codecServerCommand(),
    askCommand(),
    listCommand(),
    statsCommand(),
    agentsCommand(),
    conformCommand(),
    approvalsCommand(),
    ...RUN_COMMANDS.map(onCommandLine),
    sendCommand(),
    cancelCommand(),
    scheduleCommand(),
    mcpCommand(),
    forkCommand(),
    diffCommand(),
    exportCommand(),
    replayCommand(),
    rerunCommand(),
    recordTestCommand(),
    debugCommand(),
    setupCommand(),
  ])
    program.addCommand(inherited(command, program));
  return program.exitOverride();
}

/** Passes the parent's settings down: commands are created without a parent. */
function inherited(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent).exitOverride();
  command.showHelpAfterError(`Try: ${PROGRAM} ${pathOf(command, parent)} --help`);
  for (const argument of command.registeredArguments) if (argument.name() === 'id') argument.argParser(parseId);
  for (const inner of command.commands) inherited(inner, command);
  return command;
}

/** Returns the command's path without the program's name: `schedule add`. */
function pathOf(command: Command, parent: Command): string {
  return parent.parent === null && parent.name() === 'holdfast' ? command.name() : `${parent.name()} ${command.name()}`;
}

/** Rejects an empty id: the server's own error names neither the id nor a remedy. */
function parseId(id: string): string {
  if (id === '') throw new InvalidArgumentError('It is empty. Is a shell variable not set?');
  return id;
}
