// The histories of recorded runs, from files and from the server, for the commands that play or replay them.
import { connect, type Holdfast } from '../../client/index.ts';
import type { SettingsOptions } from '../../client/settings.ts';
import type { History } from '../../core/read/history.ts';
import { UsageError } from '../exit.ts';
import { namedSources, type Source } from '../replay/sources.ts';
import { checkIsOfAgent, notReadable, type Purpose, readHistoryFile } from './historyFile.ts';
import { askForRun, kindOf } from './named.ts';

export interface RecordedHistories {
  /** Throws an error that says why there are none. */
  of(source: Source): Promise<History[]>;
  close(): Promise<void>;
}

/** Connects to the server with the first run that is there. */
export function openHistories(settings: SettingsOptions, purpose: Purpose): RecordedHistories {
  let connection: Promise<Holdfast> | undefined;
  return {
    async of(source) {
      if ('file' in source) return readHistoryFile(source.file, settings, purpose);
      const { workflowId, runId, isNamed } = source;
      const fetched = async () => {
        connection ??= connect(settings);
        return (await connection).get(workflowId, runId).histories();
      };
      const histories = await (isNamed ? askForRun(workflowId, fetched) : fetched());
      try {
        for (const history of histories) checkIsOfAgent(history);
      } catch (error) {
        throw notReadable(`The run ${JSON.stringify(workflowId)}`, purpose, error);
      }
      return histories;
    },
    close: async () => (await connection?.catch(() => undefined))?.close(),
  };
}

/** The histories of one run, which `what` names: a file, or a workflow id. */
export async function historiesOfOne(what: string, settings: SettingsOptions, purpose: Purpose): Promise<History[]> {
  if ((await kindOf(what)) === 'folder') throw new UsageError(`${what} is a folder. Name a run or one of the files.`);
  // Neither a folder nor several: there is one.
  const source = (await namedSources([what]).next()).value as Source;
  const recorded = openHistories(settings, purpose);
  try {
    return await recorded.of(source);
  } finally {
    await recorded.close();
  }
}
