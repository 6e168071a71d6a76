// A temporary folder that is gone when we are, also where we are ended by a signal.
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What is about to end may still write into it. */
const PATIENT = { recursive: true, force: true, maxRetries: 20, retryDelay: 50 } as const;

export interface Folder {
  readonly path: string;
  remove(): void;
}

export async function makeFolder(what: string): Promise<Folder> {
  const path = await mkdtemp(join(tmpdir(), `holdfast-${what}-`));
  const atExit = () => rmSync(path, PATIENT);
  process.once('exit', atExit);
  return {
    path,
    remove() {
      process.off('exit', atExit);
      rmSync(path, PATIENT);
    },
  };
}
