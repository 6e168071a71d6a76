// What an argument names: a file, a folder, or a run by its workflow id, which may look like a path, such as `team/order 1`.
import { stat } from 'node:fs/promises';
import { RunNotFound, TemporalUnreachable } from '../../client/index.ts';
import { UsageError } from '../exit.ts';

export async function kindOf(what: string): Promise<'file' | 'folder' | 'run'> {
  const found = await stat(what).catch(() => null);
  if (!found) return 'run';
  return found.isDirectory() ? 'folder' : 'file';
}

/**
 * Asks the server for the run that `what` names, as there is no such file. What looks like a path is more often a mistake in one: the
 * error names both.
 */
export async function askForRun<T>(what: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!/[/\\]|\.json$/.test(what)) throw error;
    if (error instanceof RunNotFound)
      throw new UsageError(`There is no file or folder ${what}, and no run of this id on the server.`);
    if (error instanceof TemporalUnreachable)
      throw new UsageError(
        `There is no file or folder ${what}, and the server cannot be asked for a run of this id: ${error.message}`,
      );
    throw error;
  }
}
