// Exit codes, and how errors are printed: a line for people, JSON for programs.
import { InvalidArgumentError } from 'commander';
import {
  HoldfastError,
  InvalidAttachment,
  InvalidFork,
  InvalidList,
  InvalidPayloads,
  InvalidSchedule,
  InvalidStart,
  NoWorker,
  PayloadUnreadable,
  RequestUnavailable,
  type Run,
  RunNotFound,
  ScheduleExists,
  ScheduleNotFound,
  TemporalUnreachable,
} from '../client/index.ts';
import { adviceFor } from './advice.ts';
import { inert } from './terminal/inert.ts';
import { printJsonLine, toStderr } from './terminal/output.ts';

export const EXIT = {
  completed: 0,
  /** The run did not complete, refused the command or was over; or a history does not replay. */
  otherwise: 1,
  /** Usage error: an unknown option, run or file. */
  usage: 2,
  unreachable: 3,
  /** No worker took the first workflow task, or answered a command. */
  noWorker: 4,
  /** Ctrl-C: 128 plus the signal's number, as in shells. */
  interrupted: 130,
} as const;

/** The command line is wrong; the message says what to type instead. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly code = 'usage';
}

type RefusalCode =
  | 'run_over'
  | 'sub_agents_wait'
  /** Of the console. */
  | 'console_busy'
  | 'command_failed'
  | 'no_agents'
  | 'not_played'
  | 'not_an_agent';

/** The command is valid, but cannot be executed now; the message says why. */
export class CommandRefused extends Error {
  override readonly name = 'CommandRefused';
  readonly code: RefusalCode;

  constructor(code: RefusalCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Errors that the person who typed the command can correct. */
const USAGE_ERRORS = [
  UsageError,
  InvalidPayloads,
  PayloadUnreadable,
  RunNotFound,
  RequestUnavailable,
  InvalidAttachment,
  InvalidFork,
  InvalidList,
  InvalidStart,
  InvalidSchedule,
  ScheduleExists,
  ScheduleNotFound,
];

/** The exit code of a command that followed the run to its end. */
export function exitCodeOfRun({ status }: Pick<Run, 'status'>): number {
  return status === 'completed' ? EXIT.completed : EXIT.otherwise;
}

export function exitCodeOf(error: unknown): number {
  if (USAGE_ERRORS.some((type) => error instanceof type)) return EXIT.usage;
  if (error instanceof TemporalUnreachable) return EXIT.unreachable;
  if (error instanceof NoWorker) return EXIT.noWorker;
  return EXIT.otherwise;
}

/** Returns one line: the error and what to type. With HOLDFAST_DEBUG, the stack. */
export function errorText(error: unknown): string {
  if (process.env['HOLDFAST_DEBUG'] && error instanceof Error) return `${error.stack}`;
  const message = inert(error instanceof Error ? error.message : String(error)).trim();
  const advice = adviceFor(error);
  return advice === '' ? message : `${message} ${advice}`;
}

/** Returns the error for programs: code, message and facts. Nothing is stripped: it is escaped when it is printed. */
export function errorJson(error: unknown, next = ''): object {
  const message = error instanceof Error ? error.message : String(error);
  const advice = [adviceFor(error), next].filter(Boolean).join(' ');
  return { error: { code: codeOf(error), message, ...factsOf(error), ...(advice !== '' && { advice }) } };
}

function codeOf(error: unknown): string {
  const hasCode = error instanceof HoldfastError || error instanceof UsageError || error instanceof CommandRefused;
  return hasCode ? error.code : 'other';
}

function factsOf(error: unknown): { readonly facts?: object } {
  return error instanceof HoldfastError ? { facts: error.facts } : {};
}

interface PrintErrorOptions {
  /** Print JSON, for programs. */
  readonly json: boolean;
  /** What to type next, besides the advice of the error itself. */
  readonly next?: string;
}

export function printError(error: unknown, { json, next = '' }: PrintErrorOptions): void {
  if (json) printJsonLine(errorJson(error, next), process.stderr);
  else toStderr([errorText(error), next].filter(Boolean).join(' '));
}

/** Whether the arguments have `--json`; works before the command has parsed them. */
export function wantsJson(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return args.slice(0, end < 0 ? undefined : end).includes('--json');
}

/** Parses a count: `--max-turns 5`. */
export function wholeNumber(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1)
    throw new InvalidArgumentError('Expected a whole number of at least 1.');
  return number;
}

export function portNumber(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535)
    throw new InvalidArgumentError('Expected a port from 1 to 65535, or 0 for any.');
  return port;
}
