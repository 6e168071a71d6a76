// The commands about a run as commands of the command line: `holdfast steer ID MESSAGE --by ann`.
import { text as readAll } from 'node:stream/consumers';
import { Command } from 'commander';
import { addressFlags, type SaidOptions, saidOf, settingsOf, withHoldfast, withSaid } from '../connected.ts';
import { EXIT, UsageError } from '../exit.ts';
import { inertLine } from '../terminal/inert.ts';
import { printJson } from '../view/json.ts';
import type { AnyRunCommand, Parameter } from './types.ts';

interface Options extends SaidOptions, Readonly<Record<string, unknown>> {
  readonly json?: boolean;
  readonly id?: string;
}

export function onCommandLine(declared: AnyRunCommand): Command {
  const { name, description, parameters, json, isOnce } = declared;
  const command = new Command(name).description(description).argument('<id>', 'the workflow id of the run');
  for (const [key, { as, placeholder, help, isRequired, parse }] of Object.entries(parameters)) {
    if (as === 'argument') command.argument(isRequired ? `<${placeholder}>` : `[${placeholder}]`, help);
    else if (isRequired) command.requiredOption(`${flagOf(key)} <${placeholder}>`, help);
    // Read at once, so that commander names the option where it makes no sense.
    else command.option(`${flagOf(key)} <${placeholder}>`, help, parse);
  }
  command.option('--json', json);
  withSaid(command);
  if (isOnce) command.option('--id <id>', 'an id of its own: the same one sent again is taken once');
  return command.action(async (id: string, ...rest: unknown[]) => {
    const values = await valuesOf(declared, rest, command.opts<Options>());
    const problem = declared.problem?.(values);
    if (problem) throw new UsageError(`${problem}: ${oneOf(Object.keys(parameters).map(flagOf))}.`);
    await carryOut(declared, command, id, values);
  });
}

async function carryOut(declared: AnyRunCommand, command: Command, id: string, values: Record<string, unknown>) {
  const options = command.opts<Options>();
  await withHoldfast(command, async (holdfast) => {
    const outcome = await declared.carryOut(
      {
        holdfast,
        handle: holdfast.get(id),
        said: saidOf(options),
        flags: addressFlags(settingsOf(command)),
        ...(options.id !== undefined && { messageId: options.id }),
      },
      values,
    );
    if (options.json) printJson(outcome.json);
    else (outcome.counts ? process.stdout : process.stderr).write(`${await outcome.say(inertLine(id, 300))}\n`);
    return outcome.counts ? EXIT.completed : EXIT.otherwise;
  });
}

async function valuesOf({ parameters }: AnyRunCommand, typed: readonly unknown[], options: Options) {
  const values: Record<string, unknown> = {};
  const inPlace = [...typed];
  for (const [key, parameter] of Object.entries(parameters)) {
    const given = parameter.as === 'argument' ? inPlace.shift() : options[key];
    if (given === undefined) continue;
    if (parameter.as === 'setting') values[key] = given;
    else {
      const text = await textTyped(String(given), parameter);
      if (parameter.as === 'option' && text.trim() === '')
        throw new UsageError(`There is nothing in ${flagOf(key)}: ${parameter.help}.`);
      values[key] = parameter.parse(text);
    }
  }
  return values;
}

/** `-` stands for stdin, where that is read. */
export async function textTyped(
  text: string,
  { readsStdin = false }: Pick<Parameter<unknown>, 'readsStdin'>,
): Promise<string> {
  return text === '-' && readsStdin ? readAll(process.stdin) : text;
}

/** `modelCalls` as it is typed. */
function flagOf(key: string): string {
  return `--${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function oneOf(names: readonly string[]): string {
  return [names.slice(0, -1).join(', '), names.at(-1)].filter(Boolean).join(' or ');
}
