// Commands of the chat: the run commands, and its own.
import { plural } from '../../core/text.ts';
import { UsageError } from '../exit.ts';
import { executeInChat, usageInChat } from '../runCommands/inChat.ts';
import { RUN_COMMANDS } from '../runCommands/runCommands.ts';
import type { CommandContext } from '../runCommands/types.ts';
import { spendText } from '../view/budget.ts';

interface ChatCommand {
  readonly usage: string;
  readonly description: string;
  execute(rest: string, context: CommandContext): Promise<readonly string[]>;
}

const COMMANDS: ReadonlyMap<string, ChatCommand> = new Map([
  ...RUN_COMMANDS.filter(({ notInChat }) => notInChat === undefined).map((command): [string, ChatCommand] => [
    command.name,
    {
      usage: usageInChat(command),
      description: command.description,
      execute: (rest, context) => executeInChat(command, rest, context),
    },
  ]),
  ['cost', { usage: '/cost', description: 'print what the session has spent', execute: (_, context) => cost(context) }],
  ['help', { usage: '/help', description: 'print this list', execute: async () => helpLines() }],
]);

function helpLines(): readonly string[] {
  return [
    ...[...COMMANDS.values()].map(({ usage, description }) => `${usage}  ${description}`),
    '/quit  leave; the session stays open. Also Ctrl-D, and Ctrl-C if nothing is running',
    'Ctrl-C  interrupt the answer',
    '\\ at the end of a line: continue the message on the next line',
    '// at the beginning: send a message that begins with /',
  ];
}

async function cost({ handle }: CommandContext): Promise<readonly string[]> {
  const { turns, spend } = await handle.read();
  return [`${plural(turns.length, 'turn')}, ${spendText(spend)}`];
}

/** Executes a command typed without its slash. Returns lines to print. */
export async function executeChatCommand(typed: string, context: CommandContext): Promise<readonly string[]> {
  const [, name = '', rest = ''] = /^(\S*)\s*(.*)$/s.exec(typed) ?? [];
  const command = COMMANDS.get(name);
  if (!command)
    throw new UsageError(`Unknown command /${name}. /help lists the commands; //${name} sends it as a message.`);
  return command.execute(rest, context);
}
