// Reports changes of files, with chokidar.
import { dirname } from 'node:path';

/** What can be imported. */
const SOURCE = /\.([cm]?[jt]sx?|json|node|wasm)$/;
/** An editor writes a file in several steps; a checkout changes many files. */
const QUIET_MS = 100;
/** A project's agents import hundreds; more than these would be more than we can watch. */
const FILES_MAX = 10_000;

export interface FileWatch {
  /** Watches these as well. They need not exist yet. */
  add(files: readonly string[]): void;
  close(): Promise<void>;
}

/** Calls `onChange` with the path of the last changed file, once changes have settled. */
export async function watchFiles(files: readonly string[], onChange: (path: string) => void): Promise<FileWatch> {
  const watched = new Set(files);
  const folders = new Set(files.map(dirname));
  let timer: NodeJS.Timeout | undefined;
  // Imported here: no other command needs it.
  const { watch } = await import('chokidar');
  // Their folders: a watch of a file itself ends when an editor replaces it by another of its name.
  const watcher = watch([...folders], {
    ignoreInitial: true,
    depth: 0,
    ignored: (path, stats) => stats?.isFile() === true && !SOURCE.test(path),
  });
  watcher.on('all', (_, path) => {
    if (!watched.has(path)) return;
    clearTimeout(timer);
    timer = setTimeout(() => onChange(path), QUIET_MS);
  });
  // Skip paths that cannot be watched.
  watcher.on('error', () => {});
  await new Promise<void>((ready) => watcher.on('ready', ready));
  return {
    add(files) {
      for (const file of files.slice(0, FILES_MAX - watched.size)) {
        watched.add(file);
        const folder = dirname(file);
        if (!folders.has(folder)) watcher.add(folder);
        folders.add(folder);
      }
    },
    close() {
      clearTimeout(timer);
      return watcher.close();
    },
  };
}
