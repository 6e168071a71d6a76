// Shared by the commands that talk to a server: its options, the connection, Ctrl-C, and who types.
import { userInfo } from 'node:os';
import { type Command, InvalidArgumentError } from 'commander';
import { connect, type Holdfast } from '../client/index.ts';
import { readSettings, type SettingsOptions } from '../client/settings.ts';
import { TASK_QUEUE } from '../core/names.ts';
import { EXIT, UsageError } from './exit.ts';

/** Returns the connection options, which every command takes. */
export function settingsOf(command: Command): SettingsOptions {
  const { address, namespace, profile } = command.optsWithGlobals<SettingsOptions>();
  const settings = { address, namespace, profile };
  try {
    readSettings(settings);
  } catch (error) {
    const detail = error instanceof Error ? error.message : error;
    throw new UsageError(`The settings for Temporal cannot be read: ${detail}. See --profile and temporal.toml.`);
  }
  return settings;
}

export function withTaskQueueOption(command: Command): Command {
  return command.option('--task-queue <name>', `task queue of the workers (default: "${TASK_QUEUE}")`, parseTaskQueue);
}

function parseTaskQueue(name: string): string {
  if (name.trim() === '') throw new InvalidArgumentError('It is empty. Is a shell variable not set?');
  return name;
}

/** Returns the task queue as an option of `connect` and of workers; nothing for the default. */
export function taskQueueOf(command: Command): { readonly taskQueue?: string } {
  const { taskQueue } = command.opts<{ taskQueue?: string }>();
  return taskQueue === undefined ? {} : { taskQueue };
}

/** Runs `use` with a connection, then closes it. `use` returns the exit code. */
export async function withHoldfast(command: Command, use: (holdfast: Holdfast) => Promise<number>): Promise<void> {
  const holdfast = await connect({ ...settingsOf(command), ...taskQueueOf(command) });
  try {
    process.exitCode = await use(holdfast);
    // The SDK keeps retrying the lost server, and would throw on a closed connection.
    if (process.exitCode === EXIT.unreachable) process.exit();
  } finally {
    await holdfast.close();
  }
}

/** Returns a signal that the first Ctrl-C aborts; a second one ends the process as usual. */
export function untilInterrupted(): { readonly signal: AbortSignal; stop(): void } {
  const controller = new AbortController();
  const abort = () => {
    stop();
    controller.abort();
  };
  const stop = () => {
    process.off('SIGINT', abort);
    process.off('SIGTERM', abort);
  };
  process.on('SIGINT', abort);
  process.on('SIGTERM', abort);
  return { signal: controller.signal, stop };
}

/** Waits for `promise` or Ctrl-C, whichever is first. A later rejection is ignored. */
export async function unlessInterrupted(promise: Promise<unknown>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise: interrupted, resolve } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => resolve(), { once: true });
  promise.catch(() => {});
  await Promise.race([promise, interrupted]);
}

/** Returns the connection options to repeat in a suggested command; '' for the defaults. */
export function addressFlags({ address, namespace, profile }: SettingsOptions): string {
  const flags = Object.entries({ profile, address, namespace }).filter(([, value]) => value !== undefined);
  return flags.map(([name, value]) => ` --${name} ${value}`).join('');
}

/** Returns the system's name of the current user, if it has one. */
export function userName(): string | undefined {
  const { USER, LOGNAME, USERNAME } = process.env;
  try {
    return USER || LOGNAME || USERNAME || userInfo().username;
  } catch {
    // A container may run as a user without a name.
    return undefined;
  }
}

/** Who sends a command, and why. */
export interface Author {
  readonly by?: string;
  readonly why?: string;
}

/** Rejects a blank name: an audit needs to know who decided. */
export function parseName(name: string): string {
  if (name.trim() === '') throw new InvalidArgumentError('Expected a name. Give one, or omit the option.');
  return name;
}

/** Of an option that may be given again. */
export function collectRole(role: string, before: readonly string[] = []): readonly string[] {
  if (role.trim() === '') throw new InvalidArgumentError('Expected the name of a role, such as finance.');
  return [...before, role.trim()];
}

export function withAuthorOptions(command: Command): Command {
  return command
    .option('--by <name>', 'who sends it; recorded with the run (default: your user name)', parseName)
    .option('--why <text>', 'why; recorded with the run');
}

export function authorOf({ by = userName(), why }: Author): Author {
  return { ...(by !== undefined && by !== '' && { by }), ...(why !== undefined && { why }) };
}
