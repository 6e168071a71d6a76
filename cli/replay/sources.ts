// What `holdfast replay` is to replay: files and runs, found one after another.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Holdfast } from '../../client/index.ts';
import { UsageError } from '../exit.ts';
import { withQueryErrors } from '../recorded/queried.ts';

/** Where the histories of one run are: in a file, or at the server. */
export type Source =
  | { readonly name: string; readonly file: string }
  | { readonly name: string; readonly workflowId: string; readonly runId?: string };

/** Yields what the words of the command line name: files, the *.json files of folders, and ids of runs. */
export async function* namedSources(what: readonly string[]): AsyncGenerator<Source> {
  for (const one of what) {
    const found = await stat(one).catch(() => null);
    if (found?.isDirectory()) yield* filesIn(one);
    else if (found) yield { name: one, file: one };
    else if (/[/\\]|\.json$/.test(one)) throw new UsageError(`There is no file or folder ${one}.`);
    else yield { name: one, workflowId: one };
  }
}

async function* filesIn(folder: string): AsyncGenerator<Source> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.json')).sort();
  if (names.length === 0)
    throw new UsageError(`${folder} contains no history (*.json). Create one with holdfast export ID.`);
  for (const name of names) yield { name: join(folder, name), file: join(folder, name) };
}

/** Yields the runs that the query finds, while it is still being answered. */
export async function* queriedSources(holdfast: Holdfast, query: string): AsyncGenerator<Source> {
  for await (const { workflowId, runId } of withQueryErrors(holdfast.find(query), query))
    yield { name: workflowId, workflowId, ...(runId !== undefined && { runId }) };
}
