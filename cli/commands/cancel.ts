// `holdfast cancel`: asks a run to stop, and waits for its end.
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { describeRun } from '../../client/history.ts';
import { type Holdfast, PayloadUnreadable, type Run, RunNotFound, StoredPayloadLost } from '../../client/index.ts';
import { addressFlags, settingsOf, unlessInterrupted, withHoldfast } from '../connected.ts';
import { EXIT } from '../exit.ts';
import { TYPED } from '../terminal/typed.ts';
import { printJson, runJson } from '../view/json.ts';
import { ended } from '../view/showRun.ts';
import { stuckLine } from '../view/stuck.ts';

/** Tools have the worker's grace time to end, 10 s; and a worker that died is noticed after as long again. */
const WAIT_MS = 30_000;
const LOOK_MS = 250;

export function cancelCommand(): Command {
  return new Command('cancel')
    .description('cancel a run, and wait up to 30 seconds for its end')
    .argument('<id>', 'the workflow id of the run')
    .option('--json', 'print one JSON object, the same as of run')
    .action((id: string, { json }: { json?: boolean }, command: Command) =>
      withHoldfast(command, async (holdfast) => {
        const handle = holdfast.get(id);
        const flags = addressFlags(settingsOf(command));
        let before: Run;
        try {
          before = await handle.read();
        } catch (error) {
          if (!(error instanceof PayloadUnreadable || error instanceof StoredPayloadLost)) throw error;
          const [said, code] = await cancelUnread(holdfast, id, error.message, flags);
          console.error(said);
          return code;
        }
        if (before.endedAtMs === null) {
          // It may have ended a moment ago, and then there is nothing to cancel.
          await handle.cancel().catch((error) => {
            if (!(error instanceof RunNotFound)) throw error;
          });
          await unlessInterrupted(ended(handle), AbortSignal.timeout(WAIT_MS));
        }
        const run = await handle.read();
        if (json) printJson(runJson(run));
        else if (run.endedAtMs === null) process.stdout.write(`${await notEnded(holdfast, id, flags)}\n`);
        else process.stdout.write(`${whatHappened(id, before.endedAtMs !== null, run.status)}\n`);
        return run.endedAtMs === null ? EXIT.otherwise : EXIT.completed;
      }),
    );
}

/** Whoever cannot read what a run does may stop it all the same: whether it is over needs no payload. */
async function cancelUnread(holdfast: Holdfast, id: string, why: string, flags: string): Promise<[string, number]> {
  const unread = `How it ended cannot be read here: ${why}`;
  if (await isOver(holdfast, id)) return [`${id} was over already. ${unread}`, EXIT.completed];
  await holdfast.get(id).cancel();
  const deadline = Date.now() + WAIT_MS;
  while (Date.now() < deadline) {
    if (await isOver(holdfast, id)) return [`${id} is over. ${unread}`, EXIT.completed];
    await sleep(LOOK_MS);
  }
  return [await notEnded(holdfast, id, flags), EXIT.otherwise];
}

async function isOver({ client }: Holdfast, workflowId: string): Promise<boolean> {
  return Boolean((await describeRun(client, { workflowId })).workflowExecutionInfo?.closeTime);
}

function whatHappened(id: string, wasOver: boolean, status: string): string {
  if (wasOver) return `${id} was over already: ${status}.`;
  if (status === 'cancelled') return `${id} is cancelled.`;
  return `${id} ended before it could be cancelled: ${status}.`;
}

async function notEnded(holdfast: Holdfast, id: string, flags: string): Promise<string> {
  const stuck = await stuckLine(holdfast, id);
  const asked = `${id} is asked to stop and has not after ${WAIT_MS / 1_000} s`;
  return stuck ? `${asked}. ${stuck}` : `${asked}: is a worker running? See: ${TYPED} watch ${id}${flags}`;
}
