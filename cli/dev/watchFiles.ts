// Reports changes of source files in a folder and below, with chokidar.
import { basename, resolve } from 'node:path';

const IGNORED = /^(\..*|node_modules|dist|coverage)$/;
/** Source files only: a file that an agent writes while it runs must not restart its worker. */
const SOURCE = /\.([cm]?[jt]s|json|sql|md|ya?ml)$/;
/** An editor writes a file in several steps; a checkout changes many files. */
const QUIET_MS = 100;
/** Folders and source files. A project has hundreds; a home folder would have more than we can watch. */
const PATHS_MAX = 10_000;

export interface FileWatch {
  close(): Promise<void>;
}

/** Calls `onChange` with the path of the last changed file, once changes have settled. */
export async function watchFiles(folder: string, onChange: (path: string) => void): Promise<FileWatch> {
  const root = resolve(folder);
  const paths = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  // Imported here: no other command needs it.
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
  // Skip paths that cannot be watched.
  watcher.on('error', () => {});
  await new Promise<void>((ready) => watcher.on('ready', ready));
  return {
    close() {
      clearTimeout(timer);
      return watcher.close();
    },
  };
}
