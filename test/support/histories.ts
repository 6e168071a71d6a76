// Golden histories: `HOLDFAST_RECORD=1 npm test` writes those that are not there yet; every version must replay them.
import { access, mkdir, writeFile } from 'node:fs/promises';
import type { History } from '../../core/read/history.ts';
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
  await writeFile(file, withoutTheMachine(historyToJson(history)));
}

/** Stacks and identities name the paths, the process and the host of whoever recorded; replay does not read them. */
export function withoutTheMachine(json: string): string {
  const text = '"(?:[^"\\\\]|\\\\.)*"';
  return json
    .replace(new RegExp(`"stackTrace": ${text}`, 'g'), '"stackTrace": ""')
    .replace(new RegExp(`"identity": ${text}`, 'g'), '"identity": "test"')
    .replace(/"\d+@[^"]*"/g, '"test@host"');
}
