// Lets one process at a time make a file of the cache. The lock is a directory that its holder works in, so that what a
// killed process left half made goes away with its lock. Not proper-lockfile: it keeps the lock of a killed process until
// it is stale, cannot say who holds it, and has had no release since 2021.
import { mkdtemp, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 500;
// A holder touches its lock this often …
const TOUCH_MS = 5_000;
// … and a lock left untouched for this long is nobody's: its holder died on another machine, or its pid was given anew.
const STALE_MS = 60_000;

/**
 * Makes `path` by `make`, which puts a file into the directory that it is given and returns where. Two processes at
 * once make it once: the second one waits (`onWait` is called) and finds it. It appears whole or not at all.
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
        // The last holder may have finished between our look at the file and taking the lock.
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

/** Renaming a directory onto one that is not empty fails, so a lock appears at once and with its holder's name in it. */
async function take(lock: string): Promise<boolean> {
  const mine = await mkdtemp(`${lock}.`);
  await writeFile(join(mine, 'holder'), `${process.pid} ${hostname()}`);
  try {
    await rename(mine, lock);
    return true;
  } catch (error) {
    await rm(mine, { recursive: true, force: true });
    if (['ENOTEMPTY', 'EEXIST', 'EPERM'].includes(errorCode(error))) return false;
    throw error;
  }
}

/** Who holds the lock, for people to read; null when nobody does. */
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
 * Two processes may find the same lock stale, and the slower one then discard the lock that the faster one took. All that
 * comes of it is that the file is made twice: it is renamed into place whole, and the last one stays.
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
    // EPERM: it is there, and another user's.
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
