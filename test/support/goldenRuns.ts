// Golden histories as runs.
import { readdir, readFile } from 'node:fs/promises';
import type { History } from '../../core/read/history.ts';
import { readRun } from '../../core/read/readRun.ts';
import type { Run } from '../../core/read/run.ts';
import { historyFromJson } from '../../worker/historyJson.ts';
import { GOLDEN_FOLDER } from './histories.ts';

const files = (await readdir(GOLDEN_FOLDER)).filter((file) => file.endsWith('.json'));

/** The names of all golden runs. */
export const goldenNames = files
  .map((file) => file.slice(0, -'.json'.length))
  .filter((name) => !/\.link-\d+$/.test(name));

/** Reads a golden run with all its histories, in order. */
export async function goldenRun(name: string): Promise<Run> {
  return readRun(...(await goldenHistories(name)));
}

/** Reads all histories of a golden run, in order. */
export async function goldenHistories(name: string): Promise<History[]> {
  const links = files.filter((file) => file.startsWith(`${name}.link-`)).length;
  const parts = [...Array.from({ length: links }, (_, i) => `${name}.link-${i + 1}`), name];
  const texts = await Promise.all(parts.map((part) => readFile(new URL(`${part}.json`, GOLDEN_FOLDER), 'utf8')));
  return texts.map(historyFromJson);
}
