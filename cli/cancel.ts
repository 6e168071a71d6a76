// `holdfast cancel`: asks a run to stop, and waits for its end.
import { Command } from 'commander';
import { type RunHandle, RunNotFound, TemporalUnreachable } from '../client/index.ts';
import { addressFlags, settingsOf, unlessInterrupted, withHoldfast } from './connected.ts';
import { EXIT } from './exit.ts';
import { printJson, runJson } from './json.ts';
import { ended } from './showRun.ts';
import { TYPED } from './typed.ts';

/** Tools have the worker's grace time to end, 10 s; and a worker that died is noticed after as long again. */
const WAIT_MS = 30_000;

export function cancelCommand(): Command {
  return new Command('cancel')
    .description('cancel a run, and wait up to 30 seconds for its end')
    .argument('<id>', 'the workflow id of the run')
    .option('--json', 'print one JSON object, the same as of run')
    .action((id: string, { json }: { json?: boolean }, command: Command) =>
      withHoldfast(command, async (holdfast) => {
        const handle = holdfast.get(id);
        const before = await handle.read().catch((error) => cancelUnread(handle, error));
        if (before.endedAtMs === null) {
          // It may have ended a moment ago, and then there is nothing to cancel.
          await handle.cancel().catch((error) => {
            if (!(error instanceof RunNotFound)) throw error;
          });
          await unlessInterrupted(ended(handle), AbortSignal.timeout(WAIT_MS));
        }
        const run = await handle.read();
        if (json) printJson(runJson(run));
        else {
          const flags = addressFlags(settingsOf(command));
          process.stdout.write(`${whatHappened(id, before.endedAtMs !== null, run.status, flags)}\n`);
        }
        return run.endedAtMs === null ? EXIT.otherwise : EXIT.completed;
      }),
    );
}

/** Whoever cannot read what a run does may stop it all the same. */
async function cancelUnread(handle: RunHandle, error: unknown): Promise<never> {
  if (error instanceof RunNotFound || error instanceof TemporalUnreachable) throw error;
  await handle.cancel();
  const why = error instanceof Error ? error.message : String(error);
  throw new Error(`${handle.workflowId} is asked to stop. What comes of it cannot be read here: ${why}`, {
    cause: error,
  });
}

function whatHappened(id: string, wasOver: boolean, status: string, flags: string): string {
  if (wasOver) return `${id} was over already: ${status}.`;
  if (status === 'cancelled') return `${id} is cancelled.`;
  if (status === 'running')
    return `${id} is asked to stop and has not after ${WAIT_MS / 1_000} s: is a worker running? See: ${TYPED} watch ${id}${flags}`;
  return `${id} ended before it could be cancelled: ${status}.`;
}
