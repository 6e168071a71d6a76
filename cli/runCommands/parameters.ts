// What is typed after the name of a run's command, and what is wrong with it where it makes no sense.
import { MESSAGE_BYTES_MAX } from '../../core/limits.ts';
import { count, utf8Length } from '../../core/text.ts';
import { UsageError } from '../exit.ts';
import type { Parameter } from './types.ts';

/** What a run would refuse is a mistake of typing here, as with the input of `run`. */
export function messageTyped(text: string): string {
  if (text.trim() === '') throw new UsageError('There is nothing in the message.');
  const bytes = utf8Length(text);
  if (bytes > MESSAGE_BYTES_MAX)
    throw new UsageError(`The message has ${count(bytes)} bytes; ${count(MESSAGE_BYTES_MAX)} are allowed.`);
  return text;
}

/** The text as it was typed: large numbers would not survive being read and written again. */
export function argumentsTyped(text: string): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`The arguments are no JSON: ${error instanceof Error ? error.message : error}.`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UsageError('The arguments are no JSON object: {"name": value}.');
  return text;
}

export function message({ isRequired }: { readonly isRequired: boolean }): Parameter<string> {
  return {
    as: 'argument',
    placeholder: 'message',
    help: 'what the model is told; "-" reads it from stdin',
    isRequired,
    readsStdin: true,
    parse: messageTyped,
  };
}

/** Left out where one call waits. */
export const waitingCall: Parameter<string> = {
  as: 'argument',
  placeholder: 'call',
  help: 'the call, as approvals names it: 2.0; it may be left out where one waits',
  isRequired: false,
  word: /^\d+\.\d+$/,
  parse: (text) => text,
};

export const anyCall: Parameter<string> = {
  as: 'argument',
  placeholder: 'call',
  help: 'its place in the run, 2.0, or the id that the model gave it',
  isRequired: true,
  word: /^\S+$/,
  parse: (text) => text,
};

export const newArguments: Parameter<string> = {
  as: 'option',
  placeholder: 'json',
  help: 'all of the new arguments, also those that stay as they are: one JSON object; "-" reads them from stdin',
  isRequired: true,
  readsStdin: true,
  parse: argumentsTyped,
};

export const answerText: Parameter<string> = {
  as: 'option',
  placeholder: 'text',
  help: 'what the model is told; "-" reads it from stdin',
  isRequired: true,
  readsStdin: true,
  parse: (text) => text,
};

export function setting(placeholder: string, help: string, parse: (text: string) => number): Parameter<number> {
  return { as: 'setting', placeholder, help, isRequired: false, parse };
}
