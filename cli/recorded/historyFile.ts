// Histories in files, as `export` and Temporal's tools write them.
import { readFile } from 'node:fs/promises';
import { decodeHistory } from '../../client/payloads/decode.ts';
import { loadPayloads } from '../../client/payloads/load.ts';
import { readSettings, type SettingsOptions } from '../../client/settings.ts';
import { WORKFLOW_TYPE } from '../../core/names.ts';
import type { History } from '../../core/read/history.ts';
import { UsageError } from '../exit.ts';

/** What to do with a file, for its error. */
export type Purpose = 'replayed' | 'shown' | 'rerun' | 'recorded' | 'compared';

/** Reads the histories of a run from a file. Throws an error that names the file. */
export async function readHistoryFile(path: string, settings: SettingsOptions, purpose: Purpose): Promise<History[]> {
  const { historiesFromJson } = await import('../../worker/historyJson.ts');
  try {
    const text = await readFile(path, 'utf8');
    // Exports of Temporal's own tools have encoded payloads; ours are decoded.
    const payloads = await loadPayloads();
    const { namespace } = readSettings(settings);
    const histories = await Promise.all(
      historiesFromJson(text).map((history) => decodeHistory(history, payloads, namespace)),
    );
    for (const history of histories) checkIsOfAgent(history);
    return histories;
  } catch (error) {
    throw new UsageError(`${path} cannot be ${purpose}: ${error instanceof Error ? error.message : error}.`);
  }
}

/** Throws for the history of a workflow that is no run of an agent. */
export function checkIsOfAgent({ events }: History): void {
  const started = events?.[0]?.workflowExecutionStartedEventAttributes;
  if (!started) throw new TypeError('it does not begin with the start of a workflow');
  const type = started.workflowType?.name;
  if (type !== WORKFLOW_TYPE)
    throw new TypeError(
      `it is the history of another program: its workflow type is ${JSON.stringify(type ?? '')}, not "${WORKFLOW_TYPE}"`,
    );
}
