// Bundles copies of the workflow code with changes in them, for tests that have to detect the change.
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildBundle } from '../../worker/workflowBundle.ts';

/** A change of one place: the text must be there exactly once, so that a mutation does not rot without a word. */
export interface Edit {
  /** From the top of the tree: `workflows/batch.ts`. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

const ROOT = new URL('../../', import.meta.url);
const FOLDERS = ['workflows', 'core'] as const;

/** The bundle of the workflow code with these changes. */
export async function mutatedBundle(edits: readonly Edit[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-mutated-'));
  try {
    for (const name of FOLDERS) await cp(fileURLToPath(new URL(name, ROOT)), join(folder, name), { recursive: true });
    await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
    for (const edit of edits) await writeFile(join(folder, edit.file), await edited(edit, folder));
    return await buildBundle(join(folder, 'workflows/agent.ts'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The text of the file with the change in it. */
async function edited({ file, from, to }: Edit, folder: string): Promise<string> {
  const text = await readFile(join(folder, file), 'utf8');
  const times = text.split(from).length - 1;
  if (times !== 1) throw new Error(`${file} has ${times} times, and should have once: ${from}`);
  // As a function, since "$&" in a text would mean something.
  return text.replace(from, () => to);
}

/** What keeps these from being made: their text has changed. */
export async function misplaced(edits: readonly Edit[]): Promise<string[]> {
  const tried = await Promise.allSettled(edits.map((edit) => edited(edit, fileURLToPath(ROOT))));
  return tried.flatMap((one) => (one.status === 'rejected' ? [String(one.reason.message)] : []));
}

/** One of four, spread over all of them: `npm test` tries these, and the proof tries all. */
export function sampleOf<T>(all: readonly T[]): T[] {
  return all.filter((_, at) => at % 4 === 0);
}
