// What a run did that is not as it should be, to be read and replayed.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { historiesToJson } from '../../worker/historyJson.ts';
import type { Played } from './play.ts';

const FOLDER = '.holdfast/prove';

export async function keepEvidence({ run, histories }: Played): Promise<void> {
  const file = join(FOLDER, `${run.workflowId}.json`);
  await mkdir(FOLDER, { recursive: true });
  await writeFile(file, historiesToJson(await histories()));
  console.error(`${run.workflowId} is not as it should be: its history is kept in ${file}.`);
}
