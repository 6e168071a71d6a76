// Copies of the workflow code with something changed in them, as bundles: for tests that have to notice the change.
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
    for (const { file, from, to } of edits) {
      const path = join(folder, file);
      const text = await readFile(path, 'utf8');
      const times = text.split(from).length - 1;
      if (times !== 1) throw new Error(`${file} has ${times} times, and should have once: ${from}`);
      // As a function, since "$&" in a text would mean something.
      await writeFile(
        path,
        text.replace(from, () => to),
      );
    }
    return await buildBundle(join(folder, 'workflows/agent.ts'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
