// Lets one process at a time create a file in the cache. The lock is a directory in which its holder works, so that the
// leftovers of a killed process go away with its lock. Not proper-lockfile: it keeps the lock of a killed process until it
// is stale, cannot say who holds it, and has had no release since 2021.
import { mkdtemp, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 500;
// A holder touches its lock this often …
const TOUCH_MS = 5_000;
// … and a lock untouched for this long is stale: its holder died on another machine, or its pid was reused.
const STALE_MS = 60_000;

/**
 * Creates `path` once, even if several processes try: the others call `onWait`, wait, and find it. `make` creates the file
 * in the given directory and returns its path; it is then renamed to `path` atomically.
 */
export async function makeOnce(
  path: string,
  make: (workDir: string) => Promise<string>,
  onWait: (holder: string) => void,
): Promise<void> {
  const lock = `${path}.lock`;
  let waiting = false;
  while (!(await exists(path))) {
    if (await take(lock)) {
      const touch = setInterval(() => utimes(lock, new Date(), new Date()).catch(() => {}), TOUCH_MS);
      try {
        // The previous holder may have finished between our check and taking the lock.
        if (!(await exists(path))) await rename(await make(lock), path);
        return;
      } finally {
        clearInterval(touch);
        await rm(lock, { recursive: true, force: true });
      }
    }
    const holder = await holderOf(lock);
    if (holder === null) await discard(lock);
    else {
      if (!waiting) onWait(holder);
      waiting = true;
      await sleep(POLL_MS);
    }
  }
}

/** Renaming a directory onto a non-empty one fails, so a lock appears atomically, with its holder's name in it. */
async function take(lock: string): Promise<boolean> {
  const draft = await mkdtemp(`${lock}.`);
  await writeFile(join(draft, 'holder'), `${process.pid} ${hostname()}`);
  try {
    await rename(draft, lock);
    return true;
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    if (['ENOTEMPTY', 'EEXIST', 'EPERM'].includes(errorCode(error))) return false;
    throw error;
  }
}

/** Describes who holds the lock; null if nobody does. */
async function holderOf(lock: string): Promise<string | null> {
  try {
    const [pid, host] = (await readFile(join(lock, 'holder'), 'utf8')).split(' ');
    const { mtimeMs } = await stat(lock);
    if (Date.now() - mtimeMs > STALE_MS) return null;
    if (host === hostname() && !isAlive(Number(pid))) return null;
    return `process ${pid}`;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
}

/**
 * If two processes find the same lock stale, the slower one may discard the lock that the faster one has just taken. Then
 * the file is only created twice: each rename is atomic, and the last one wins.
 */
async function discard(lock: string): Promise<void> {
  const rest = `${lock}.${process.pid}.stale`;
  await rename(lock, rest).catch((error) => {
    if (errorCode(error) !== 'ENOENT') throw error;
  });
  await rm(rest, { recursive: true, force: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: the process exists and belongs to another user.
    return errorCode(error) === 'EPERM';
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
