// Parameters of run commands: their help and their validation.
import { MESSAGE_BYTES_MAX } from '../../core/limits.ts';
import { count, utf8Length } from '../../core/text.ts';
import { UsageError } from '../exit.ts';
import type { Parameter } from './types.ts';

/** Checks what a run would refuse: on the command line it is a usage error, as with the input of `run`. */
export function parseMessage(text: string): string {
  if (text.trim() === '') throw new UsageError('The message is empty.');
  const bytes = utf8Length(text);
  if (bytes > MESSAGE_BYTES_MAX)
    throw new UsageError(`The message has ${count(bytes)} bytes; at most ${count(MESSAGE_BYTES_MAX)} are allowed.`);
  return text;
}

/** Returns the text unchanged: parsing and serializing would round large numbers. */
export function parseArguments(text: string): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`The arguments are not valid JSON: ${error instanceof Error ? error.message : error}.`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UsageError('The arguments are not a JSON object. Expected {"name": value}.');
  return text;
}

export function message({ isRequired }: { readonly isRequired: boolean }): Parameter<string> {
  return {
    as: 'argument',
    placeholder: 'message',
    help: 'message for the model; "-" reads it from stdin',
    isRequired,
    readsStdin: true,
    parse: parseMessage,
  };
}

/** May be omitted if only one call is pending. */
export const pendingCall: Parameter<string> = {
  as: 'argument',
  placeholder: 'call',
  help: 'call id as approvals shows it, such as 2.0; may be omitted if only one is pending',
  isRequired: false,
  word: /^\d+\.\d+$/,
  parse: (text) => text,
};

export const anyCall: Parameter<string> = {
  as: 'argument',
  placeholder: 'call',
  help: 'call id, such as 2.0, or model call id',
  isRequired: true,
  word: /^\S+$/,
  parse: (text) => text,
};

export const newArguments: Parameter<string> = {
  as: 'option',
  placeholder: 'json',
  help: 'all of the new arguments as one JSON object; "-" reads them from stdin',
  isRequired: true,
  readsStdin: true,
  parse: parseArguments,
};

export const answerText: Parameter<string> = {
  as: 'option',
  placeholder: 'text',
  help: 'what the model reads as the result; "-" reads it from stdin',
  isRequired: true,
  readsStdin: true,
  parse: (text) => text,
};

export function setting(placeholder: string, help: string, parse: (text: string) => number): Parameter<number> {
  return { as: 'setting', placeholder, help, isRequired: false, parse };
}
