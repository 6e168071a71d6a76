// Run commands in a chat: `/approve 1.0 known customer`.
import { InvalidArgumentError } from 'commander';
import { UsageError } from '../exit.ts';
import type { AnyRunCommand, CommandContext, Parameter } from './types.ts';

/** Returns the usage: `/edit [CALL] JSON`. Text after the last parameter is the reason, unless that parameter takes it. */
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

/** Executes the command with what was typed after its name. Returns lines to print. */
export async function executeInChat(
  command: AnyRunCommand,
  rest: string,
  context: CommandContext,
): Promise<readonly string[]> {
  const { values, why } = parseInChat(command, rest);
  const problem = command.problem?.(values);
  if (problem) throw new UsageError(`${problem}: ${usageInChat(command)}`);
  const author = why === '' ? context.author : { ...context.author, why };
  const { chatText } = await command.execute({ ...context, author }, values);
  return chatText === undefined ? [] : [chatText];
}

interface ParsedInput {
  readonly values: Record<string, unknown>;
  readonly why: string;
}

function parseInChat(command: AnyRunCommand, typed: string): ParsedInput {
  const values: Record<string, unknown> = {};
  let rest = typed.trim();
  for (const [key, parameter] of Object.entries(command.parameters)) {
    if (parameter.as === 'setting') continue;
    const [text, left] = takeParameter(rest, parameter);
    rest = left;
    if (text === '' && parameter.isRequired)
      throw new UsageError(`Missing ${parameter.placeholder}: ${usageInChat(command)}`);
    if (text !== '') values[key] = parsed(parameter, text, command);
  }
  if (takesWhy(command.parameters)) return { values, why: rest };
  for (const pair of rest.split(/[\s,]+/).filter(Boolean)) {
    const [, name = '', value = ''] = /^([^=]+)=(.*)$/.exec(pair) ?? [];
    const [key, parameter] = Object.entries(command.parameters).find(([known]) => nameOf(known) === name) ?? [];
    if (key === undefined || parameter === undefined)
      throw new UsageError(`Unknown limit "${pair}": ${usageInChat(command)}`);
    values[key] = parsed(parameter, value, command);
  }
  return { values, why: '' };
}

/** Splits off the parameter's text. */
function takeParameter(rest: string, { word }: Parameter<unknown>): [string, string] {
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

/** Whether the rest of the line is the reason: it is, unless a parameter takes all of it. */
function takesWhy(parameters: AnyRunCommand['parameters']): boolean {
  return Object.values(parameters).every(({ as, word }) => as !== 'setting' && word !== undefined);
}

/** Returns a parameter's name as it is typed: `model-calls`. */
function nameOf(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
