// A temporary folder that is removed when the process exits, even by a signal.
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A process that is still ending may write into it. */
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
