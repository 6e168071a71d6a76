// Records the effects of tools in a file that survives their processes, so that tests can count them.
import { appendFileSync, existsSync, readFileSync, unwatchFile, watchFile } from 'node:fs';

export interface Entry {
  readonly what: 'started' | 'ended';
  readonly call: string;
  readonly attempt: number;
  readonly pid: number;
  readonly atMs: number;
}

export function writeLedger(file: string, what: Entry['what'], call: string, attempt: number): void {
  const entry: Entry = { what, call, attempt, pid: process.pid, atMs: Date.now() };
  // One write of one line: appends of several processes do not mix.
  appendFileSync(file, `${JSON.stringify(entry)}\n`);
}

export function readLedger(file: string): Entry[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Entry);
}

/** Resolves when the ledger is as the condition wants it. */
export function untilLedger(file: string, condition: (entries: readonly Entry[]) => boolean): Promise<Entry[]> {
  return new Promise((resolve) => {
    const look = () => {
      const entries = readLedger(file);
      if (!condition(entries)) return;
      unwatchFile(file, look);
      resolve(entries);
    };
    // It looks at the file's times, so it misses no change, however early it came.
    watchFile(file, { interval: 20 }, look);
    look();
  });
}
