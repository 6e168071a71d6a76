// `holdfast cancel`: cancels a run and waits for its end.
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { describeRun } from '../../client/histories/history.ts';
import {
  type Holdfast,
  PayloadUnreadable,
  type Run,
  RunNotFound,
  RunUnreadable,
  StoredPayloadLost,
} from '../../client/index.ts';
import { SHUTDOWN_GRACE_MS } from '../../core/limits.ts';
import { addressFlags, settingsOf, unlessInterrupted, withHoldfast } from '../connected.ts';
import { EXIT } from '../exit.ts';
import { commandLine } from '../terminal/commandLine.ts';
import { idText } from '../terminal/inert.ts';
import { printJson, toStderr, toStdout } from '../terminal/output.ts';
import { runJson } from '../view/json.ts';
import { ended } from '../view/showRun.ts';
import { stuckLine } from '../view/stuckRun.ts';

/** Tools have the worker's grace time to end, and a lost worker is detected after another 10 s. */
const WAIT_MS = SHUTDOWN_GRACE_MS + 20_000;
const POLL_MS = 250;

export function cancelCommand(): Command {
  return new Command('cancel')
    .description('cancel a run, and wait up to 30 s for its end')
    .argument('<id>', 'workflow id of the run')
    .option('--json', 'print one JSON object, as of run')
    .action((id: string, { json }: { json?: boolean }, command: Command) =>
      withHoldfast(command, async (holdfast) => {
        const handle = holdfast.get(id);
        const flags = addressFlags(settingsOf(command));
        let before: Run;
        try {
          before = await handle.read();
        } catch (error) {
          if (!isUnreadable(error)) throw error;
          const [message, code] = await cancelUnreadable(holdfast, id, error.message, flags);
          toStderr(message);
          return code;
        }
        if (before.endedAtMs === null) {
          // It may have ended in the meantime.
          await handle.cancel().catch((error) => {
            if (!(error instanceof RunNotFound)) throw error;
          });
          await unlessInterrupted(ended(handle), AbortSignal.timeout(WAIT_MS));
        }
        const run = await handle.read();
        if (json) printJson(runJson(run));
        else if (run.endedAtMs === null) toStdout(await notEndedText(holdfast, id, flags));
        else toStdout(endedText(idText(id), before.endedAtMs !== null, run.status));
        return run.endedAtMs === null ? EXIT.otherwise : EXIT.completed;
      }),
    );
}

function isUnreadable(error: unknown): error is Error {
  return [PayloadUnreadable, StoredPayloadLost, RunUnreadable].some((type) => error instanceof type);
}

/** Cancels a run whose payloads cannot be read here: neither cancelling nor its end needs them. */
async function cancelUnreadable(holdfast: Holdfast, id: string, why: string, flags: string): Promise<[string, number]> {
  const unread = `Its result cannot be read here: ${why}`;
  if (await isOver(holdfast, id)) return [`${idText(id)} was already over. ${unread}`, EXIT.completed];
  await holdfast.get(id).cancel();
  const deadline = Date.now() + WAIT_MS;
  while (Date.now() < deadline) {
    if (await isOver(holdfast, id)) return [`${idText(id)} is over. ${unread}`, EXIT.completed];
    await sleep(POLL_MS);
  }
  return [await notEndedText(holdfast, id, flags), EXIT.otherwise];
}

async function isOver({ client }: Holdfast, workflowId: string): Promise<boolean> {
  return Boolean((await describeRun(client, { workflowId })).workflowExecutionInfo?.closeTime);
}

function endedText(id: string, wasOver: boolean, status: string): string {
  if (wasOver) return `${id} was already over: ${status}.`;
  if (status === 'cancelled') return `${id} is cancelled.`;
  return `${id} ended before it could be cancelled: ${status}.`;
}

async function notEndedText(holdfast: Holdfast, id: string, flags: string): Promise<string> {
  const stuck = await stuckLine(holdfast, id);
  const pending = `${idText(id)} was asked to cancel, but has not ended after ${WAIT_MS / 1_000} s`;
  return stuck
    ? `${pending}. ${stuck}`
    : `${pending}. Is a worker running? Follow it: ${commandLine(['watch', id], flags)}`;
}
