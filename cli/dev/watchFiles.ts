// Tells when a source file changes in a folder or below it.
import { type FSWatcher, watch } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

// Node's own recursive watch would walk all of node_modules.
const IGNORED = /^(\..*|node_modules|dist|coverage)$/;
/** What agents are made of. Not what they may write while they run, or each run would restart its worker. */
const SOURCE = /\.([cm]?[jt]s|json|sql|md|ya?ml)$/;
/** An editor writes a file in several steps, and a checkout many files. */
const QUIET_MS = 100;
/** A project has tens of folders; more than this is somebody's home. */
const FOLDERS_MAX = 2_000;

export interface FileWatch {
  close(): void;
}

/** Calls `onChange` with the name of the file that changed last, when changes have come to rest. */
export async function watchFiles(folder: string, onChange: (path: string) => void): Promise<FileWatch> {
  const watchers = new Map<string, FSWatcher>();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  await add(folder);
  return {
    close() {
      closed = true;
      clearTimeout(timer);
      for (const watcher of watchers.values()) watcher.close();
    },
  };

  async function add(path: string): Promise<void> {
    if (closed || watchers.has(path) || watchers.size >= FOLDERS_MAX) return;
    try {
      const watcher = watch(path, (_, name) => {
        if (name !== null) changed(path, name);
      });
      watcher.on('error', () => drop(path));
      watchers.set(path, watcher);
      const entries = await readdir(path, { withFileTypes: true });
      const folders = entries.filter((entry) => entry.isDirectory() && !IGNORED.test(entry.name));
      await Promise.all(folders.map((entry) => add(join(path, entry.name))));
    } catch {
      // It went away while we looked.
      drop(path);
    }
  }

  function changed(folderPath: string, name: string): void {
    if (IGNORED.test(name)) return;
    const path = join(folderPath, name);
    if (!SOURCE.test(name)) {
      // A new folder, perhaps, with files in it already; or one that went away.
      if (!/\.\w+$/.test(name)) void added(path);
      return;
    }
    clearTimeout(timer);
    timer = setTimeout(() => onChange(path), QUIET_MS);
  }

  async function added(path: string): Promise<void> {
    drop(path);
    await add(path);
    if (!watchers.has(path)) return;
    const names = await readdir(path).catch(() => []);
    for (const name of names) if (SOURCE.test(name)) changed(path, name);
  }

  function drop(path: string): void {
    watchers.get(path)?.close();
    watchers.delete(path);
  }
}
