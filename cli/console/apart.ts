// Commands that load the module of the agents or ask a model. Each is the command as it is typed, in a process of its own: that has the
// module as it is now, and keeps the console from what the module does.
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { SettingsOptions } from '../../client/settings.ts';
import { CommandRefused, EXIT } from '../exit.ts';

export interface ApartOptions {
  readonly settings: SettingsOptions;
  /** The module of the agents; null if the console was started without one. */
  readonly agentsFile: string | null;
}

export interface Printed {
  /** The JSON that the command prints. */
  readonly value: unknown;
  /** What it says beside that. */
  readonly notes: string;
}

/** Each loads a worker's code, some 250 MB. */
const AT_ONCE_MAX = 2;
const OUTPUT_CHARS_MAX = 32 * 1024 * 1024;
const NOTES_CHARS_MAX = 20_000;
const LONGEST_MS = 15 * 60_000;

const MAIN = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../main.ts' : '../main.js', import.meta.url));

export class Apart {
  readonly agentsFile: string | null;
  readonly #settings: SettingsOptions;
  readonly #running = new Set<ChildProcess>();

  constructor({ settings, agentsFile }: ApartOptions) {
    this.#settings = settings;
    this.agentsFile = agentsFile;
  }

  /** Runs a command that knows `--json`, with `input` as its standard input. The signal ends it. */
  async print(words: readonly string[], input: string, signal: AbortSignal): Promise<Printed> {
    if (this.#running.size >= AT_ONCE_MAX)
      throw new CommandRefused(
        'console_busy',
        'The console is asking or playing for others. Try again when it has ended.',
      );
    const flags = Object.entries(this.#settings).flatMap(([name, value]) => (value ? [`--${name}=${value}`] : []));
    const [command = '', ...rest] = words;
    const tooLong = AbortSignal.timeout(LONGEST_MS);
    const child = spawn(process.execPath, [MAIN, ...flags, command, '--json', ...rest], {
      stdio: ['pipe', 'pipe', 'pipe'],
      signal: AbortSignal.any([signal, tooLong]),
    });
    this.#running.add(child);
    try {
      const { code, output, notes } = await ended(child, input);
      if (code === EXIT.completed || code === EXIT.otherwise) {
        const value = parsed(output);
        if (value !== undefined) return { value, notes };
      }
      throw new CommandRefused('command_failed', problemIn(notes) || `The command ended with code ${code}.`);
    } catch (error) {
      if (tooLong.aborted) throw new CommandRefused('command_failed', 'It took longer than 15 minutes, and was ended.');
      throw error;
    } finally {
      this.#running.delete(child);
    }
  }

  close(): void {
    for (const child of this.#running) child.kill();
  }
}

interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly notes: string;
}

function ended(child: ChildProcess, input: string): Promise<Ended> {
  let output = '';
  let notes = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (output.length > OUTPUT_CHARS_MAX) child.kill('SIGKILL');
  });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    notes = (notes + text).slice(-NOTES_CHARS_MAX);
  });
  // A command that does not read it may have ended.
  child.stdin!.on('error', () => {});
  child.stdin!.end(input);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output, notes: notes.trim() }));
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The message of an error that was printed as JSON, or the text as it is. */
function problemIn(notes: string): string {
  const last = notes.slice(notes.lastIndexOf('\n') + 1);
  const { error } = (parsed(last) ?? {}) as {
    readonly error?: { readonly message?: unknown; readonly advice?: unknown };
  };
  return typeof error?.message === 'string' ? [error.message, error.advice].filter(Boolean).join(' ') : notes;
}
