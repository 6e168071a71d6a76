// The histories of recorded runs, from files and from the server, for the commands that play or replay them.
import { connect, type Holdfast } from '../../client/index.ts';
import type { SettingsOptions } from '../../client/settings.ts';
import type { History } from '../../core/read/history.ts';
import type { Source } from '../replay/sources.ts';
import { checkIsOfAgent, type Purpose, readHistoryFile } from './historyFile.ts';

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
      connection ??= connect(settings);
      const histories = await (await connection).get(source.workflowId, source.runId).histories();
      for (const history of histories) checkIsOfAgent(history);
      return histories;
    },
    close: async () => (await connection?.catch(() => undefined))?.close(),
  };
}
