// Runs a command that may take minutes: reports progress, and gives up if there is none.
import { spawn } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { setInterval as every } from 'node:timers/promises';

// How often progress is checked …
const POLL_MS = 1_000;
// … and how often it is reported to the user.
const REPORT_MS = 15_000;
// A limit even for a command that makes progress.
const MAX_MS = 30 * 60_000;
// Enough for the names of all packages of a large build.
const OUTPUT_CHARS_MAX = 1_000_000;

export interface LongCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Describes the progress from the output so far. The same text again means no progress. */
  readonly progress: (output: string) => string | Promise<string>;
  /** Kills the command after this long without progress. */
  readonly stallMs: number;
  readonly say: (elapsedAndProgress: string) => void;
}

/** Resolves when the command succeeds; otherwise throws an error with the end of its output. */
export async function runLongCommand(options: LongCommand): Promise<void> {
  const startedAt = Date.now();
  const child = spawn(options.command, options.args, {
    cwd: options.cwd,
    env: options.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // Low priority leaves the machine usable. Throws if the command has already exited.
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
  throw new Error((await stopped) ?? (lines || `${options.command} failed without any output`));
}

/** Resolves with the reason to kill the command; null if it exited first. */
async function watch(
  { progress, stallMs, say }: LongCommand,
  output: () => string,
  startedAt: number,
  signal: AbortSignal,
): Promise<string | null> {
  let last = { progress: '', at: startedAt };
  let reportedAt = startedAt;
  try {
    for await (const _ of every(POLL_MS, null, { signal })) {
      const now = Date.now();
      const current = await progress(output());
      if (current !== last.progress) last = { progress: current, at: now };
      if (now - last.at >= stallMs) return `no progress for ${Math.round(stallMs / 1000)} s`;
      if (now - startedAt >= MAX_MS) return `not finished after ${MAX_MS / 60_000} minutes`;
      if (now - reportedAt < REPORT_MS) continue;
      reportedAt = now;
      say(`${Math.round((now - startedAt) / 1000)} s, ${current}`);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return null;
}
