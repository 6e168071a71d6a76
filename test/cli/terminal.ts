// Runs the `holdfast` command on a pseudo-terminal: types input, and reads the screen.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
/** Whatever is waited for takes seconds; beyond this it never comes. */
const HANGS_MS = 60_000;
export const CTRL_C = '\x03';
export const CTRL_D = '\x04';

export interface Terminal {
  /** Everything that was written, as a terminal is sent it. */
  readonly raw: string;
  /** The same without what moves the cursor; what was redrawn is there again. */
  readonly text: string;
  type(keys: string): void;
  /** Waits for text that matches, in what was written since the last one that was waited for. */
  sees(pattern: RegExp): Promise<string>;
  readonly ended: Promise<{ readonly code: number | null }>;
}

export function onTerminal(args: readonly string[], { columns = 80 } = {}): Terminal {
  const own = Object.entries(process.env).filter(([name]) => !/^(TEMPORAL_|OPENAI_|FORCE_COLOR|CI$)/.test(name));
  const quoted = [process.execPath, MAIN, ...args].map((word) => `'${word}'`).join(' ');
  // It gives the command a pseudo-terminal, and takes its exit code.
  const child = spawn('script', ['-qec', `stty cols ${columns} rows 30; exec ${quoted}`, '/dev/null'], {
    env: { ...Object.fromEntries(own), TERM: 'xterm', SHELL: '/bin/sh' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const kill = () => child.kill('SIGTERM');
  process.once('exit', kill);
  child.once('exit', () => process.off('exit', kill));
  child.stdin.on('error', () => {});
  let raw = '';
  let seen = 0;
  const waiting = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    raw += more;
    for (const look of waiting) look();
  });
  const text = () => stripVTControlCharacters(raw).replaceAll('\r', '');
  const ended = once(child, 'close').then(([code]) => ({ code }));
  return {
    get raw() {
      return raw;
    },
    get text() {
      return text();
    },
    ended,
    type: (keys) => void child.stdin.write(keys),
    sees: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = pattern.exec(text().slice(seen));
          if (!found) return;
          seen += found.index + found[0].length;
          waiting.delete(look);
          clearTimeout(late);
          resolve(found[0]);
        };
        const late = setTimeout(() => {
          waiting.delete(look);
          reject(new Error(`The terminal has not shown ${pattern} for ${HANGS_MS / 1_000} s:\n${text()}`));
        }, HANGS_MS);
        waiting.add(look);
        look();
        ended.then(() => {
          clearTimeout(late);
          reject(new Error(`It ended without showing ${pattern}:\n${text()}`));
        });
      }),
  };
}
