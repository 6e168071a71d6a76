// What `holdfast replay` is to replay: files and runs, found one after another.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Holdfast } from '../../client/index.ts';
import { UsageError } from '../exit.ts';
import { kindOf } from '../recorded/named.ts';
import { withQueryErrors } from '../recorded/queried.ts';

/** Where the histories of one run are: in a file, or at the server. */
export type Source =
  | { readonly name: string; readonly file: string }
  | {
      readonly name: string;
      readonly workflowId: string;
      readonly runId?: string;
      /** The command line names it, and may mean a file that is not there. */
      readonly isNamed?: true;
    };

/** Yields what the words of the command line name: files, the *.json files of folders, and ids of runs. */
export async function* namedSources(what: readonly string[]): AsyncGenerator<Source> {
  for (const one of what) {
    const kind = await kindOf(one);
    if (kind === 'folder') yield* filesIn(one);
    else if (kind === 'file') yield { name: one, file: one };
    else yield { name: one, workflowId: one, isNamed: true };
  }
}

async function* filesIn(folder: string): AsyncGenerator<Source> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.json')).sort();
  if (names.length === 0)
    throw new UsageError(`${folder} contains no history (*.json). Create one with holdfast export ID.`);
  for (const name of names) yield { name: join(folder, name), file: join(folder, name) };
}

/** The error of a command that has found nothing. Names find something, or are refused. */
export function nothingFound(query: string | undefined): UsageError {
  return new UsageError(`--query ${JSON.stringify(query)} finds no run of an agent.`);
}

/** Yields the runs that the query finds, while it is still being answered. */
export async function* queriedSources(holdfast: Holdfast, query: string): AsyncGenerator<Source> {
  for await (const { workflowId, runId } of withQueryErrors(holdfast.find(query), query))
    yield { name: workflowId, workflowId, ...(runId !== undefined && { runId }) };
}
