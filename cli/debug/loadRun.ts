// Reads the runs that `holdfast debug` shows: from the server, or from files that `holdfast export` wrote.
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Holdfast, RunUnreadable } from '../../client/index.ts';
import type { SettingsOptions } from '../../client/settings.ts';
import type { History } from '../../core/read/history.ts';
import { readSteps } from '../../core/read/steps.ts';
import { UsageError } from '../exit.ts';
import { fileNameOf } from '../export/privateFile.ts';
import { checkIsOfAgent, notReadable, readHistoryFile } from '../recorded/historyFile.ts';
import type { DebuggedRun } from './debugState.ts';
import type { LoadRun } from './debugTerminal.ts';

/** The runs of sub-agents are files beside that of their parent, as `export --family --to` writes them. */
export function fromFiles(file: string, settings: SettingsOptions): LoadRun {
  return async (childId) => {
    const path = childId === undefined ? file : join(dirname(file), `${fileNameOf(childId)}.json`);
    if (childId !== undefined && !(await stat(path).catch(() => null)))
      throw new UsageError(`There is no ${path}. Export the run with --family and --to.`);
    return debuggedOf(await readHistoryFile(path, settings, 'shown'), path);
  };
}

export function fromServer(holdfast: Holdfast, workflowId: string): LoadRun {
  return async (childId) => {
    const id = childId ?? workflowId;
    const histories = await holdfast.get(id).histories();
    try {
      for (const history of histories) checkIsOfAgent(history);
    } catch (error) {
      throw notReadable(`The run ${JSON.stringify(id)}`, 'shown', error);
    }
    return debuggedOf(histories, id);
  };
}

function debuggedOf(histories: readonly History[], workflowId: string): DebuggedRun {
  try {
    return readSteps(histories);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new RunUnreadable('history_unreadable', { workflowId, why }, { cause: error });
  }
}
