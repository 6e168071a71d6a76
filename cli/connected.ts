// What the commands share that talk to a server: the options that name it, a connection while they need it, and Ctrl-C.
import { userInfo } from 'node:os';
import { type Command, InvalidArgumentError } from 'commander';
import { connect, type Holdfast } from '../client/index.ts';
import { readSettings, type SettingsOptions } from '../client/settings.ts';
import { EXIT, UsageError } from './exit.ts';

/** The program's own options, which every command takes. */
export function settingsOf(command: Command): SettingsOptions {
  const { address, namespace, profile } = command.optsWithGlobals<SettingsOptions>();
  const settings = { address, namespace, profile };
  try {
    readSettings(settings);
  } catch (error) {
    const why = error instanceof Error ? error.message : error;
    throw new UsageError(`The settings for Temporal cannot be read: ${why}. See --profile and temporal.toml.`);
  }
  return settings;
}

/** Runs `use` with a connection, and closes it. What `use` returns is the exit code. */
export async function withHoldfast(command: Command, use: (holdfast: Holdfast) => Promise<number>): Promise<void> {
  const holdfast = await connect(settingsOf(command));
  try {
    process.exitCode = await use(holdfast);
    // The SDK still tries the server that went away, and would throw at a connection that is closed.
    if (process.exitCode === EXIT.unreachable) process.exit();
  } finally {
    await holdfast.close();
  }
}

/** Aborted by the first Ctrl-C; a second one ends the process as usual. */
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

/** Waits for `promise`, or for Ctrl-C. What the promise does later is nobody's business any more. */
export async function unlessInterrupted(promise: Promise<unknown>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise: interrupted, resolve } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => resolve(), { once: true });
  promise.catch(() => {});
  await Promise.race([promise, interrupted]);
}

/** Where the server is, for a command that is typed next; nothing where it is found without. */
export function addressFlags({ address, namespace, profile }: SettingsOptions): string {
  const flags = Object.entries({ profile, address, namespace }).filter(([, value]) => value !== undefined);
  return flags.map(([name, value]) => ` --${name} ${value}`).join('');
}

/** The name of whoever types the command, as far as the system knows it. */
export function whoTypes(): string | undefined {
  const { USER, LOGNAME, USERNAME } = process.env;
  try {
    return USER || LOGNAME || USERNAME || userInfo().username;
  } catch {
    // A container may run under a user that has no name.
    return undefined;
  }
}

/** Options of every command that tells a run what to do. */
export interface SaidOptions {
  readonly by?: string;
  readonly why?: string;
}

/** A decision that nobody made is worth little later. */
export function nameTyped(name: string): string {
  if (name.trim() === '') throw new InvalidArgumentError('Give a name, or leave the option out.');
  return name;
}

export function withSaid(command: Command): Command {
  return command
    .option('--by <name>', 'who says so; kept with the run (default: your user name)', nameTyped)
    .option('--why <text>', 'why; kept with the run');
}

export function saidOf({ by = whoTypes(), why }: SaidOptions): SaidOptions {
  return { ...(by !== undefined && by !== '' && { by }), ...(why !== undefined && { why }) };
}
