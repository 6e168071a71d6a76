// Locks the folder of an embedded database: two processes would overwrite each other's data. The lock is a file with the
// holder's process id, so that the lock of a killed process can be taken over.
import { link, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

// A worker that is being replaced may take 20 s to finish its calls.
export const LOCK_WAIT_MS = 30_000;
const LOOK_MS = 100;
/** Far longer than to read and remove a file. */
const GUARD_MS = 10_000;

const lockOf = (folder: string) => `${folder}.lock`;

/** Resolves once this process holds the lock. May be called again while it does. */
export async function lockFolder(folder: string, waitMs = LOCK_WAIT_MS): Promise<void> {
  await mkdir(folder, { recursive: true });
  const lock = lockOf(folder);
  const deadline = Date.now() + waitMs;
  for (;;) {
    const holder = (await take(lock)) ? process.pid : await holderOf(lock);
    if (holder === process.pid) return;
    if (holder === null || !isAlive(holder)) await discard(lock, holder);
    else if (Date.now() > deadline)
      throw new Error(
        `The database in ${folder} is in use by process ${holder}. End that process, or set DATABASE_URL to a PostgreSQL, which several processes can use. If that process is not a worker, delete ${lock}.`,
      );
    else await sleep(LOOK_MS);
  }
}

export async function unlockFolder(folder: string): Promise<void> {
  if ((await holderOf(lockOf(folder))) === process.pid) await rm(lockOf(folder), { force: true });
}

/** Creates the lock as a link to a complete file: atomic, so no other process ever reads a lock without its holder. */
async function take(lock: string): Promise<boolean> {
  const mine = `${lock}.${process.pid}`;
  await writeFile(mine, String(process.pid));
  try {
    await link(mine, lock);
    return true;
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    return false;
  } finally {
    await rm(mine, { force: true });
  }
}

/** Process id in the lock; null if there is no lock, 0 if it names no process. */
async function holderOf(lock: string): Promise<number | null> {
  try {
    const pid = Number(await readFile(lock, 'utf8'));
    return Number.isInteger(pid) && pid > 0 ? pid : 0;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
}

/** Removes the lock of a dead holder. One process at a time: between the look and the removal, another could take the lock over. */
async function discard(lock: string, dead: number | null): Promise<void> {
  if (dead === null) return;
  const guard = `${lock}.guard`;
  try {
    await mkdir(guard);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    await discardGuard(guard);
    return;
  }
  try {
    if ((await holderOf(lock)) === dead) await rm(lock, { force: true });
  } finally {
    await rm(guard, { recursive: true, force: true });
  }
}

/** Removes the guard of a process that was killed within these few lines, or waits for another that is there. */
async function discardGuard(guard: string): Promise<void> {
  const made = await stat(guard).catch(() => null);
  if (made && Date.now() - made.mtimeMs > GUARD_MS) await rm(guard, { recursive: true, force: true });
  else await sleep(LOOK_MS);
}

function isAlive(pid: number): boolean {
  // To kill(), 0 means every process of the group.
  if (pid === 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it exists, but belongs to another user.
    return errorCode(error) === 'EPERM';
  }
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
