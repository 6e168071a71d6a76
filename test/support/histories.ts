// Golden histories: `HOLDFAST_RECORD=1 npm test` writes those that are not there yet; every version must replay them.
import { access, mkdir, writeFile } from 'node:fs/promises';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { History } from '../../core/history.ts';

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
  await writeFile(file, `${JSON.stringify(historyToJSON(history as Parameters<typeof historyToJSON>[0]), null, 1)}\n`);
}
