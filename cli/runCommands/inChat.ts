// The commands about a run as they are typed in a chat: `/approve 1.0 known customer`.
import { InvalidArgumentError } from 'commander';
import { UsageError } from '../exit.ts';
import type { AnyRunCommand, Given, Parameter } from './types.ts';

/** `/edit [CALL] JSON`. What follows where no text of its own is typed is why. */
export function usageInChat({ name, parameters }: AnyRunCommand): string {
  const all = Object.entries(parameters);
  const settings = all
    .filter(([, { as }]) => as === 'setting')
    .map(([key, { placeholder }]) => `${nameOf(key)}=${placeholder.toUpperCase()}`);
  const others = all
    .filter(([, { as }]) => as !== 'setting')
    .map(([, { placeholder, isRequired }]) =>
      isRequired ? placeholder.toUpperCase() : `[${placeholder.toUpperCase()}]`,
    );
  const why = takesWhy(parameters) ? ['[WHY]'] : [];
  return [`/${name}`, ...others, ...(settings.length > 0 ? [settings.join(',')] : []), ...why].join(' ');
}

/** Carries out what was typed behind the command's name, and gives what there is to say about it. */
export async function carryOutInChat(command: AnyRunCommand, rest: string, given: Given): Promise<readonly string[]> {
  const { values, why } = typedInChat(command, rest);
  const problem = command.problem?.(values);
  if (problem) throw new UsageError(`${problem}: ${usageInChat(command)}`);
  const said = why === '' ? given.said : { ...given.said, why };
  const { inChat } = await command.carryOut({ ...given, said }, values);
  return inChat === undefined ? [] : [inChat];
}

interface TypedInChat {
  readonly values: Record<string, unknown>;
  readonly why: string;
}

function typedInChat(command: AnyRunCommand, typed: string): TypedInChat {
  const values: Record<string, unknown> = {};
  let rest = typed.trim();
  for (const [key, parameter] of Object.entries(command.parameters)) {
    if (parameter.as === 'setting') continue;
    const [text, left] = firstOf(rest, parameter);
    rest = left;
    if (text === '' && parameter.isRequired)
      throw new UsageError(`There is no ${parameter.placeholder}: ${usageInChat(command)}`);
    if (text !== '') values[key] = parsed(parameter, text, command);
  }
  if (takesWhy(command.parameters)) return { values, why: rest };
  for (const pair of rest.split(/[\s,]+/).filter(Boolean)) {
    const [, name = '', value = ''] = /^([^=]+)=(.*)$/.exec(pair) ?? [];
    const [key, parameter] = Object.entries(command.parameters).find(([known]) => nameOf(known) === name) ?? [];
    if (key === undefined || parameter === undefined)
      throw new UsageError(`"${pair}" is not among ${usageInChat(command)}`);
    values[key] = parsed(parameter, value, command);
  }
  return { values, why: '' };
}

/** What is typed for the parameter, and what is left. */
function firstOf(rest: string, { word }: Parameter<unknown>): [string, string] {
  if (!word) return [rest, ''];
  const [, first = '', left = ''] = /^(\S*)\s*(.*)$/s.exec(rest) ?? [];
  return word.test(first) ? [first, left] : ['', rest];
}

function parsed(parameter: Parameter<unknown>, text: string, command: AnyRunCommand): unknown {
  try {
    return parameter.parse(text);
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof InvalidArgumentError)) throw error;
    throw new UsageError(`${error.message} ${usageInChat(command)}`, { cause: error });
  }
}

/** All that follows is why, where nothing else may follow. */
function takesWhy(parameters: AnyRunCommand['parameters']): boolean {
  return Object.values(parameters).every(({ as, word }) => as !== 'setting' && word !== undefined);
}

/** `modelCalls` as it is typed. */
function nameOf(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
