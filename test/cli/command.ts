// Runs the `holdfast` command as a process, and returns its output and its end.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
// A test may start many commands at once, and each listens for this process's end.
process.setMaxListeners(50);

export const WARD = path('./ward.ts');

/** Whatever is waited for takes seconds; beyond this it never comes. */
const HANGS_MS = 60_000;

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly input?: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Started {
  readonly child: ChildProcess;
  readonly lines: readonly string[];
  /** The first line, from the start on or from `after` on, that matches. */
  line(pattern: RegExp, after?: number): Promise<string>;
  ended: Promise<Ended>;
}

/** Starts the command. Nothing of this machine's environment names a server or a model to it. */
export function start(args: readonly string[], { input, cwd, env }: CommandOptions = {}): Started {
  const own = Object.entries(process.env).filter(([name]) => !/^(TEMPORAL_|OPENAI_|FORCE_COLOR)/.test(name));
  const child = spawn(process.execPath, [path('../../cli/main.ts'), ...args], {
    cwd,
    env: { ...Object.fromEntries(own), ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  // A test that fails must leave nothing running.
  const kill = () => child.kill('SIGTERM');
  process.once('exit', kill);
  child.once('exit', () => process.off('exit', kill));
  child.stdin.on('error', () => {});
  child.stdin.end(input ?? '');
  const said = { stdout: '', stderr: '' };
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      said[name] += text;
    });
    createInterface(child[name]).on('line', (line) => {
      lines.push(line);
      for (const look of waiting) look();
    });
  }
  const ended = once(child, 'close').then(([code]) => ({ code, ...said }));
  return {
    child,
    lines,
    ended,
    line: (pattern, after = 0) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = lines.slice(after).find((line) => pattern.test(line));
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
        setTimeout(() => {
          waiting.delete(look);
          reject(new Error(`It has not said ${pattern} for ${HANGS_MS / 1_000} s:\n${lines.join('\n')}`));
        }, HANGS_MS).unref();
        ended.then(() => reject(new Error(`It ended without saying ${pattern}:\n${lines.join('\n')}`)));
      }),
  };
}

export function holdfast(args: readonly string[], options?: CommandOptions): Promise<Ended> {
  return start(args, options).ended;
}

/** Ends it in order. */
export async function stop({ child, ended }: Started): Promise<Ended> {
  child.kill('SIGTERM');
  return ended;
}
