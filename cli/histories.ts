// The histories of a run, by its id or from the file that `export` wrote.
import { readFile, stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { connect } from '../client/index.ts';
import { decodeHistory } from '../client/payloads/decode.ts';
import { loadPayloads } from '../client/payloads/load.ts';
import { readSettings } from '../client/settings.ts';
import { WORKFLOW_TYPE } from '../core/names.ts';
import type { History } from '../core/read/history.ts';
import { settingsOf } from './connected.ts';
import { UsageError } from './exit.ts';

/** `what` is a file if there is one of that name. */
export async function historiesOf(what: string, command: Command): Promise<readonly History[]> {
  const found = await stat(what).catch(() => null);
  if (found?.isDirectory()) throw new UsageError(`${what} is a folder. Name a run or one of the files.`);
  if (!found && /[/\\]|\.json$/.test(what)) throw new UsageError(`There is no file ${what}.`);
  const histories = found ? await readFromFile(what, command) : await fetch(what, command);
  const { workflowType } = histories[0]?.events?.[0]?.workflowExecutionStartedEventAttributes ?? {};
  if (workflowType?.name !== WORKFLOW_TYPE)
    throw new UsageError(`${what} is a workflow ${JSON.stringify(workflowType?.name ?? '')}, and no run of an agent.`);
  return histories;
}

async function fetch(id: string, command: Command): Promise<readonly History[]> {
  const holdfast = await connect(settingsOf(command));
  try {
    return await holdfast.get(id).histories();
  } finally {
    await holdfast.close();
  }
}

async function readFromFile(path: string, command: Command): Promise<readonly History[]> {
  // Imported here: it loads a part of the SDK that other commands do not need.
  const { historiesFromJson } = await import('../worker/historyJson.ts');
  try {
    const text = await readFile(path, 'utf8');
    // Exports of Temporal's own tools have encoded payloads; ours are decoded.
    const payloads = await loadPayloads();
    const { namespace } = readSettings(settingsOf(command));
    return await Promise.all(historiesFromJson(text).map((history) => decodeHistory(history, payloads, namespace)));
  } catch (error) {
    throw new UsageError(`${path} cannot be read: ${error instanceof Error ? error.message : error}.`);
  }
}
