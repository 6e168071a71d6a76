// Run commands on the command line: `holdfast steer ID MESSAGE --by ann`.
import { text as readAll } from 'node:stream/consumers';
import { Command } from 'commander';
import {
  type Author,
  addressFlags,
  authorOf,
  collectRole,
  settingsOf,
  withAuthorOptions,
  withHoldfast,
} from '../connected.ts';
import { EXIT, UsageError } from '../exit.ts';
import { idText } from '../terminal/inert.ts';
import { printJson, toStderr, toStdout } from '../terminal/output.ts';
import type { AnyRunCommand, Parameter } from './types.ts';

interface Options extends Author, Readonly<Record<string, unknown>> {
  readonly json?: boolean;
  readonly id?: string;
  readonly role?: readonly string[];
}

export function onCommandLine(runCommand: AnyRunCommand): Command {
  const { name, description, parameters, json, takesMessageId, takesRoles } = runCommand;
  const command = new Command(name).description(description).argument('<id>', 'workflow id of the run');
  for (const [key, { as, placeholder, help, isRequired, parse }] of Object.entries(parameters)) {
    if (as === 'argument') command.argument(isRequired ? `<${placeholder}>` : `[${placeholder}]`, help);
    else if (isRequired) command.requiredOption(`${flagOf(key)} <${placeholder}>`, help);
    // Parsed by commander, so that its error names the option.
    else command.option(`${flagOf(key)} <${placeholder}>`, help, parse);
  }
  command.option('--json', json);
  withAuthorOptions(command);
  if (takesRoles)
    command.option(
      '--role <name>',
      'role of who decides, for approvals that are for it; may be given again',
      collectRole,
    );
  if (takesMessageId)
    command.option('--id <id>', 'id of the message; sent again with the same id, it takes effect once');
  return command.action(async (id: string, ...rest: unknown[]) => {
    const values = await valuesOf(runCommand, rest, command.opts<Options>());
    const problem = runCommand.problem?.(values);
    if (problem) throw new UsageError(`${problem}: ${oneOf(Object.keys(parameters).map(flagOf))}.`);
    await execute(runCommand, command, id, values);
  });
}

async function execute(runCommand: AnyRunCommand, command: Command, id: string, values: Record<string, unknown>) {
  const options = command.opts<Options>();
  await withHoldfast(command, async (holdfast) => {
    const result = await runCommand.execute(
      {
        holdfast,
        handle: holdfast.get(id),
        author: authorOf(options),
        ...(options.role && { roles: options.role }),
        flags: addressFlags(settingsOf(command)),
        ...(options.id !== undefined && { messageId: options.id }),
      },
      values,
    );
    if (options.json) printJson(result.json);
    else (result.isAccepted ? toStdout : toStderr)(await result.text(idText(id)));
    return result.isAccepted ? EXIT.completed : EXIT.otherwise;
  });
}

async function valuesOf({ parameters }: AnyRunCommand, positional: readonly unknown[], options: Options) {
  const values: Record<string, unknown> = {};
  const remaining = [...positional];
  for (const [key, parameter] of Object.entries(parameters)) {
    const value = parameter.as === 'argument' ? remaining.shift() : options[key];
    if (value === undefined) continue;
    if (parameter.as === 'setting') values[key] = value;
    else {
      const text = await readText(String(value), parameter);
      if (parameter.as === 'option' && text.trim() === '')
        throw new UsageError(`${flagOf(key)} is empty. Expected: ${parameter.help}.`);
      values[key] = parameter.parse(text);
    }
  }
  return values;
}

/** Returns the text; reads stdin for `-`, if the parameter allows it. */
export async function readText(
  text: string,
  { readsStdin = false }: Pick<Parameter<unknown>, 'readsStdin'>,
): Promise<string> {
  return text === '-' && readsStdin ? readAll(process.stdin) : text;
}

/** Returns a parameter's option: `--model-calls`. */
function flagOf(key: string): string {
  return `--${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function oneOf(names: readonly string[]): string {
  return [names.slice(0, -1).join(', '), names.at(-1)].filter(Boolean).join(' or ');
}
