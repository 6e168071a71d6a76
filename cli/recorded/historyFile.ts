// Histories in files, as `export` and Temporal's tools write them.
import { readFile } from 'node:fs/promises';
import { decodeHistory } from '../../client/payloads/decode.ts';
import { loadPayloads } from '../../client/payloads/load.ts';
import { readSettings, type SettingsOptions } from '../../client/settings.ts';
import { WORKFLOW_TYPE } from '../../core/names.ts';
import type { History } from '../../core/read/history.ts';
import { UsageError } from '../exit.ts';
import { PROGRAM } from '../terminal/commandLine.ts';

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
      parsed(() => historiesFromJson(text)).map((history) => decodeHistory(history, payloads, namespace)),
    );
    for (const history of histories) checkIsOfAgent(history);
    return histories;
  } catch (error) {
    throw notReadable(path, purpose, error);
  }
}

/** `name`: the file, or the run. */
export function notReadable(name: string, purpose: Purpose, error: unknown): UsageError {
  const why = error instanceof Error ? error.message : String(error);
  // Those of payloads are sentences, and say what to do.
  const end = why.endsWith('.') ? '' : '.';
  const advice =
    error instanceof NoRun ? ` Name a run of an agent, or a file that "${PROGRAM} export" wrote of one.` : '';
  return new UsageError(`${name} cannot be ${purpose}: ${why}${end}${advice}`);
}

/** It is something else than the history of a run of an agent. */
class NoRun extends TypeError {}

/** Throws for the history of a workflow that is no run of an agent. */
export function checkIsOfAgent({ events }: History): void {
  const started = events?.[0]?.workflowExecutionStartedEventAttributes;
  if (!started) throw new NoRun('it does not begin with the start of a workflow');
  const type = started.workflowType?.name;
  if (type !== WORKFLOW_TYPE)
    throw new NoRun(
      `it is the history of another program: its workflow type is ${JSON.stringify(type ?? '')}, not "${WORKFLOW_TYPE}"`,
    );
}

function parsed(parse: () => History[]): History[] {
  try {
    return parse();
  } catch (error) {
    throw error instanceof TypeError ? new NoRun(error.message) : error;
  }
}
