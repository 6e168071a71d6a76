// Replays one source: all histories of a run, each with its verdict.
import { TemporalUnreachable } from '../../client/index.ts';
import type { SettingsOptions } from '../../client/settings.ts';
import type { History } from '../../core/read/history.ts';
import { readRun } from '../../core/read/readRun.ts';
import { toolCalls } from '../../core/read/run.ts';
import { createReplayer, type Misfit, silenceSdk } from '../../worker/replay/replayer.ts';
import { openHistories } from '../recorded/histories.ts';
import type { Source } from './sources.ts';

/** The verdict about one history, as `--json` prints it. */
export type Verdict = {
  readonly name: string;
  /** Number of the history from 1, if the run continued as new. */
  readonly historyNumber?: number;
  readonly workflowId: string | null;
} & (
  | { readonly ok: true }
  | ({ readonly ok: false; readonly callId: string | null } & Misfit)
  /** There is no history to replay: the file, the run or its payloads cannot be read. */
  | { readonly ok: false; readonly unreadable: true; readonly problem: string }
);

export interface SourceReplayer {
  /** Throws if there is nothing to replay. */
  replay(source: Source): Promise<Verdict[]>;
  close(): Promise<void>;
}

export async function createSourceReplayer(
  settings: SettingsOptions,
  { debug = false }: { readonly debug?: boolean } = {},
): Promise<SourceReplayer> {
  silenceSdk();
  const replayer = await createReplayer({ debug });
  const recorded = openHistories(settings, 'replayed');

  return {
    async replay(source) {
      const histories = await recorded.of(source);
      const verdicts: Verdict[] = [];
      for (const [at, history] of histories.entries()) {
        const outcome = await replayer.replay(history);
        verdicts.push({
          name: source.name,
          ...(histories.length > 1 && { historyNumber: at + 1 }),
          workflowId: history.events?.[0]?.workflowExecutionStartedEventAttributes?.workflowId ?? null,
          ...(outcome.ok ? outcome : { ...outcome, callId: modelCallId(history, outcome) }),
        });
      }
      return verdicts;
    },
    async close() {
      await replayer.close();
      await recorded.close();
    },
  };
}

/** The verdict about a source that cannot be read. Without a server, there is none about anything. */
export function unreadableVerdict({ name, ...source }: Source, error: unknown): Verdict {
  if (error instanceof TemporalUnreachable) throw error;
  const workflowId = 'workflowId' in source ? source.workflowId : null;
  const problem = error instanceof Error ? error.message : String(error);
  return { name, workflowId, ok: false, unreadable: true, problem };
}

/** The id that the model gave the call. */
function modelCallId(history: History, { turn, slot }: Misfit): string | null {
  if (slot === null) return null;
  try {
    return toolCalls(readRun(history)).find((call) => call.turn === turn && call.slot === slot)?.callId ?? null;
  } catch {
    return null;
  }
}
