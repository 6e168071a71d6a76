// Saves the histories of a run that failed a check, to be read and replayed.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Holdfast } from '../../../client/index.ts';
import { toolCalls } from '../../../core/read/run.ts';
import { historiesToJson } from '../../../worker/historyJson.ts';

const FOLDER = '.holdfast/prove';

/** Writes a file for the run and one for each sub-agent. A history that cannot be fetched is only logged. */
export async function keepEvidence(holdfast: Holdfast, workflowId: string): Promise<void> {
  try {
    const handle = holdfast.get(workflowId);
    const file = join(FOLDER, `${workflowId}.json`);
    await mkdir(FOLDER, { recursive: true });
    await writeFile(file, historiesToJson(await handle.histories()));
    console.error(`${workflowId} is not as it should be: its history is kept in ${file}.`);
    for (const { childId } of toolCalls(await handle.read())) if (childId) await keepEvidence(holdfast, childId);
  } catch (error) {
    console.error(`${workflowId} is not as it should be, and its history cannot be kept:`, error);
  }
}
