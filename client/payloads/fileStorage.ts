// Stores large payloads as files, in a folder that clients and workers share: on one machine, or a network file system.
import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { StorageDriver } from '@temporalio/common';
import { driverOf } from './objectStore.ts';

export interface FileStorageOptions {
  /**
   * The store's name in histories. They do not record the folder, which may differ between machines.
   * @default 'file'
   */
  readonly name?: string;
}

/**
 * Stores each payload atomically in `folder/ab/cd/<sha256>`. Never deletes; storing a payload again renews its date.
 *
 * ```ts
 * export default { storage: fileStorage('/srv/holdfast/payloads') };
 * ```
 */
export function fileStorage(folder: string, { name = 'file' }: FileStorageOptions = {}): StorageDriver {
  const root = resolve(folder);
  const folderOf = (key: string) => join(root, key.slice(0, 2), key.slice(2, 4));
  return driverOf(
    { name, type: 'holdfast.file', description: `the folder ${root} (store "${name}")` },
    {
      async put(key, bytes) {
        const target = folderOf(key);
        await mkdir(target, { recursive: true });
        const draft = join(target, `${key}.${randomUUID()}`);
        try {
          await writeDurably(draft, bytes);
          // Replaces an existing file, which renews its date and repairs it if it was damaged.
          await rename(draft, join(target, key));
        } catch (error) {
          await rm(draft, { force: true });
          throw error;
        }
      },
      async get(key) {
        try {
          return await readFile(join(folderOf(key), key));
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
          // Without the folder, the store is away, and has lost nothing.
          await stat(root);
          return null;
        }
      },
    },
  );
}

/** Syncs, so that a power cut cannot take back a file that a history names. */
async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}
