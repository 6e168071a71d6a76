// What can be typed in a chat besides messages: the commands about a run, and the chat's own.
import { plural } from '../../core/text.ts';
import { UsageError } from '../exit.ts';
import { carryOutInChat, usageInChat } from '../runCommands/inChat.ts';
import { RUN_COMMANDS } from '../runCommands/runCommands.ts';
import type { Given } from '../runCommands/types.ts';
import { spendText } from '../view/budget.ts';

interface ChatCommand {
  readonly usage: string;
  readonly description: string;
  carryOut(rest: string, given: Given): Promise<readonly string[]>;
}

const COMMANDS: ReadonlyMap<string, ChatCommand> = new Map([
  ...RUN_COMMANDS.filter(({ notInChat }) => notInChat === undefined).map((command): [string, ChatCommand] => [
    command.name,
    {
      usage: usageInChat(command),
      description: command.description,
      carryOut: (rest, given) => carryOutInChat(command, rest, given),
    },
  ]),
  ['cost', { usage: '/cost', description: 'what the session has spent', carryOut: (_, given) => cost(given) }],
  ['help', { usage: '/help', description: 'this', carryOut: async () => helpLines() }],
]);

function helpLines(): readonly string[] {
  return [
    ...[...COMMANDS.values()].map(({ usage, description }) => `${usage}  ${description}`),
    '/quit  leaves; the session goes on. So do Ctrl-D, and Ctrl-C when nothing runs',
    'Ctrl-C  interrupts what runs',
    '\\ at the end of a line: the message goes on in the next',
    '// at the beginning: a message that begins with /',
  ];
}

async function cost({ handle }: Given): Promise<readonly string[]> {
  const { turns, spend } = await handle.read();
  return [`${plural(turns.length, 'turn')}, ${spendText(spend)}`];
}

/** Carries out what was typed, without its slash, and gives what there is to say about it. */
export async function obey(typed: string, given: Given): Promise<readonly string[]> {
  const [, name = '', rest = ''] = /^(\S*)\s*(.*)$/s.exec(typed) ?? [];
  const command = COMMANDS.get(name);
  if (!command)
    throw new UsageError(`There is no /${name}. /help lists what there is; //${name} sends it as a message.`);
  return command.carryOut(rest, given);
}
