// Tells when a source file changes in a folder or below it; chokidar watches.
import { basename, resolve } from 'node:path';

const IGNORED = /^(\..*|node_modules|dist|coverage)$/;
/** What agents are made of. Not what they may write while they run, or each run would restart its worker. */
const SOURCE = /\.([cm]?[jt]s|json|sql|md|ya?ml)$/;
/** An editor writes a file in several steps, and a checkout many files. */
const QUIET_MS = 100;
/** Folders and source files. A project has hundreds; more than this is somebody's home, and each one costs a watch. */
const PATHS_MAX = 10_000;

export interface FileWatch {
  close(): Promise<void>;
}

/** Calls `onChange` with the name of the file that changed last, when changes have come to rest. */
export async function watchFiles(folder: string, onChange: (path: string) => void): Promise<FileWatch> {
  const root = resolve(folder);
  const paths = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  // Only here: no other command watches anything.
  const { watch } = await import('chokidar');
  const watcher = watch(root, {
    ignoreInitial: true,
    ignored(path, stats) {
      if (path === root) return false;
      if (IGNORED.test(basename(path))) return true;
      if (stats?.isFile() && !SOURCE.test(path)) return true;
      if (stats && paths.size < PATHS_MAX) paths.add(path);
      return stats !== undefined && !paths.has(path);
    },
  });
  watcher.on('all', (_, path) => {
    if (!SOURCE.test(path)) return;
    clearTimeout(timer);
    timer = setTimeout(() => onChange(path), QUIET_MS);
  });
  // What cannot be watched is not; the rest is.
  watcher.on('error', () => {});
  await new Promise<void>((ready) => watcher.on('ready', ready));
  return {
    close() {
      clearTimeout(timer);
      return watcher.close();
    },
  };
}
