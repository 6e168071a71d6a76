// How the command ends: its exit codes, and what an error says to a person.
import { InvalidArgumentError } from 'commander';
import {
  HoldfastError,
  InvalidPayloads,
  InvalidSchedule,
  InvalidStart,
  NoWorker,
  PayloadUnreadable,
  RunNotFound,
  ScheduleExists,
  ScheduleNotFound,
  TemporalUnreachable,
} from '../client/index.ts';
import { adviceFor } from './advice.ts';
import { inert } from './terminal/inert.ts';

export const EXIT = {
  completed: 0,
  /** The run ended in another way than completed; it refused what was asked, or was over; a replay does not fit. */
  otherwise: 1,
  /** The command makes no sense as it was typed: an unknown option, run, file. */
  usage: 2,
  unreachable: 3,
  /** Nobody took the first workflow task, or answered what the run was asked. */
  noWorker: 4,
  /** Ctrl-C: 128 and the signal's number, as shells have it. */
  interrupted: 130,
} as const;

/** The command cannot do what was typed; its message says what to type instead. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly code = 'usage';
}

/** The command was understood and cannot be carried out as things are; its message says why. */
export class CommandRefused extends Error {
  override readonly name = 'CommandRefused';
  readonly code: 'run_over' | 'sub_agents_wait';

  constructor(code: CommandRefused['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** What the person who typed the command can put right. */
const NONSENSE = [
  UsageError,
  InvalidPayloads,
  PayloadUnreadable,
  RunNotFound,
  InvalidStart,
  InvalidSchedule,
  ScheduleExists,
  ScheduleNotFound,
];

export function exitCodeOf(error: unknown): number {
  if (NONSENSE.some((type) => error instanceof type)) return EXIT.usage;
  if (error instanceof TemporalUnreachable) return EXIT.unreachable;
  if (error instanceof NoWorker) return EXIT.noWorker;
  return EXIT.otherwise;
}

/** One line that says what is wrong, and what to type; the stack only where HOLDFAST_DEBUG asks for it. */
export function told(error: unknown): string {
  if (process.env['HOLDFAST_DEBUG'] && error instanceof Error) return `${error.stack}`;
  const said = inert(error instanceof Error ? error.message : String(error)).trim();
  const advice = adviceFor(error);
  return advice === '' ? said : `${said} ${advice}`;
}

/** The same for programs: a code to go by, and the facts behind it. Nothing is stripped: JSON escapes it. */
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

interface SayOptions {
  /** Programs read it. */
  readonly json: boolean;
  /** What to type to go on, besides what the error itself advises. */
  readonly next?: string;
}

export function sayError(error: unknown, { json, next = '' }: SayOptions): void {
  const text = json ? JSON.stringify(errorJson(error, next)) : [told(error), next].filter(Boolean).join(' ');
  process.stderr.write(`${text}\n`);
}

/** Whether what was typed asks for JSON: known here also where the command itself has not come to it. */
export function asksForJson(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return args.slice(0, end < 0 ? undefined : end).includes('--json');
}

/** For options that are counts: `--max-turns 5`. */
export function wholeNumber(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) throw new InvalidArgumentError('Give a whole number from 1.');
  return number;
}

export function portNumber(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535)
    throw new InvalidArgumentError('Give a port from 1 to 65535, or 0 for any.');
  return port;
}
