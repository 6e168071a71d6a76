// Golden histories: `HOLDFAST_RECORD=1 npm test` writes those that are not there yet; every version must replay them.
import { access, mkdir, writeFile } from 'node:fs/promises';
import type { History } from '../../core/history.ts';
import { historyToJson } from '../../worker/historyJson.ts';

export const GOLDEN_FOLDER = new URL('../histories/', import.meta.url);

/** Golden ones have an id that a test chose, `golden-…`: what it shows is its name. */
export async function recordHistory(workflowId: string, history: History): Promise<void> {
  if (!process.env['HOLDFAST_RECORD'] || !workflowId.startsWith('golden-')) return;
  const file = new URL(`${workflowId.slice('golden-'.length)}.json`, GOLDEN_FOLDER);
  if (
    await access(file).then(
      () => true,
      () => false,
    )
  )
    return;
  await mkdir(GOLDEN_FOLDER, { recursive: true });
  await writeFile(file, historyToJson(history));
}
