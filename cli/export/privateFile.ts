// Files of exports: only their owner reads them, and their names come from ids of runs, which may be anything.
import { createHash, randomUUID } from 'node:crypto';
import { lstat, open, rename, rm, stat, writeFile } from 'node:fs/promises';

/**
 * Writes a file that only its owner can read, whatever was there: a new file replaces the old one, which others may have
 * open or may be allowed to read. Follows no symbolic link, since somebody else may have made it.
 */
export async function writePrivately(path: string, text: string): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (found?.isDirectory()) throw new Error('it is a folder');
  // A pipe or a device, such as /dev/stdout, keeps nothing and cannot be replaced.
  if (found && !found.isFile()) return writeFile(path, text);
  const entry = await lstat(path).catch(() => null);
  if (entry?.isSymbolicLink()) throw new Error('it is a symbolic link');
  const draft = `${path}.${randomUUID()}`;
  try {
    const file = await open(draft, 'wx', 0o600);
    await file.writeFile(text).finally(() => file.close());
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

/** File systems take 255 bytes, and a draft has an id at its end. */
const NAME_CHARS_MAX = 180;

/** Returns a file name for an id: one path segment, the same for the same id, and another for every other. */
export function fileNameOf(id: string): string {
  const spelled = Array.from(id, (letter) => (/^[\w.-]$/.test(letter) ? letter : percentEncoded(letter))).join('');
  // Not hidden, and never the folder above.
  const name = spelled.startsWith('.') ? `%2E${spelled.slice(1)}` : spelled;
  if (name.length <= NAME_CHARS_MAX) return name;
  return `${name.slice(0, NAME_CHARS_MAX - 17)}-${createHash('sha256').update(id).digest('hex').slice(0, 16)}`;
}

function percentEncoded(letter: string): string {
  return Array.from(Buffer.from(letter), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}
