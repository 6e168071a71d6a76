// Runs a command that may take minutes: says how far it is, and gives up when nothing moves.
import { spawn } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { setInterval as every } from 'node:timers/promises';

// How often progress is looked at …
const LOOK_MS = 1_000;
// … and how often it is said, so that whoever waits sees that it goes on.
const SAY_MS = 15_000;
// Whatever moves may still never arrive.
const MAX_MS = 30 * 60_000;
// Enough for the names of all packages of a large build.
const OUTPUT_CHARS_MAX = 1_000_000;

export interface LongCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** How far it is, in words; what it has written so far is given. The same words over and over mean: nothing moves. */
  readonly progress: (output: string) => string | Promise<string>;
  /** Given up when nothing has moved for this long. */
  readonly stallMs: number;
  readonly say: (elapsedAndProgress: string) => void;
}

/** Resolves when the command has ended well; else throws an error with the end of what the command said. */
export async function runLongCommand(options: LongCommand): Promise<void> {
  const startedAt = Date.now();
  const child = spawn(options.command, options.args, {
    cwd: options.cwd,
    env: options.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // Others work on this machine, too. It may have ended already.
  try {
    if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW);
  } catch {}
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-OUTPUT_CHARS_MAX);
    });
  const ended = new AbortController();
  const stopped = watch(options, () => output, startedAt, ended.signal).then((reason) => {
    if (reason !== null) child.kill('SIGKILL');
    return reason;
  });
  try {
    const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
    if (code === 0) return;
  } finally {
    ended.abort();
  }
  const lines = output.trim().split('\n').slice(-5).join('\n');
  throw new Error((await stopped) ?? (lines || `${options.command} failed and said nothing`));
}

/** Why the command should be stopped; null when it ended first. */
async function watch(
  { progress, stallMs, say }: LongCommand,
  output: () => string,
  startedAt: number,
  signal: AbortSignal,
): Promise<string | null> {
  let last = { progress: '', at: startedAt };
  let saidAt = startedAt;
  try {
    for await (const _ of every(LOOK_MS, null, { signal })) {
      const now = Date.now();
      const current = await progress(output());
      if (current !== last.progress) last = { progress: current, at: now };
      if (now - last.at >= stallMs) return `nothing moved for ${Math.round(stallMs / 1000)} s`;
      if (now - startedAt >= MAX_MS) return `not done after ${MAX_MS / 60_000} minutes`;
      if (now - saidAt < SAY_MS) continue;
      saidAt = now;
      say(`${Math.round((now - startedAt) / 1000)} s, ${current}`);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return null;
}
