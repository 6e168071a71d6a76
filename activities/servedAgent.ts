// The agent of a model call, or the failure of one that this worker does not know: for good, if it is a mistyped name that no worker
// of the queue knows. Otherwise another worker may know it, or one may that a deploy is about to start.
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { FAILURE } from '../core/names.ts';
import { timestampMs } from '../core/read/history.ts';
import { misspelt } from '../core/text.ts';
import type { Agent } from './define/types.ts';
import type { Registry } from './registry.ts';

/** The failure of a call waits for the look no longer than for its first retry. */
const LOOK_MS = 1_000;
/** A worker asks again after a minute at the latest. The server lists those that are gone for five. */
const GONE_MS = 2 * 60_000;

const ACTIVITY_QUEUE = 2;
const ENHANCED = 1;

/** `buildId` is that of all workers with the agents of this one. */
export async function servedAgent(
  registry: Registry,
  name: string,
  turn: number,
  buildId: string | null,
): Promise<Agent> {
  try {
    return registry.agent(name);
  } catch (error) {
    // From its second turn on, the run had its agent: the worker has changed, not the name.
    const isMistyped = turn === 1 && misspelt(name, [...registry.agents.keys()]) !== undefined;
    if (!isMistyped || buildId === null || !(await isOnlyBuild(buildId).catch(() => false))) throw error;
    throw ApplicationFailure.nonRetryable((error as Error).message, FAILURE.notRegistered);
  }
}

/** Whether every worker that runs activities of the queue has the build id. */
async function isOnlyBuild(buildId: string): Promise<boolean> {
  const { client, info } = Context.current();
  const { namespace } = client.options;
  const queue = { namespace, taskQueue: { name: info.taskQueue } };
  const { workflowService } = client;
  const [root, whole] = await client.withDeadline(Date.now() + LOOK_MS, () =>
    Promise.all([
      // Of one partition of the queue, but with the workers of every deployment.
      workflowService.describeTaskQueue({ ...queue, taskQueueType: ACTIVITY_QUEUE }),
      workflowService.describeTaskQueue({
        ...queue,
        apiMode: ENHANCED,
        taskQueueTypes: [ACTIVITY_QUEUE],
        reportPollers: true,
        versions: { unversioned: true, allActive: true },
      }),
    ]),
  );
  const everywhere = Object.values(whole.versionsInfo ?? {}).flatMap(
    ({ typesInfo }) => typesInfo?.[ACTIVITY_QUEUE]?.pollers ?? [],
  );
  // A server that lists only one partition does not say whether others poll.
  if (everywhere.length === 0) return false;
  return [...everywhere, ...(root.pollers ?? [])].every(
    ({ lastAccessTime, workerVersionCapabilities }) =>
      workerVersionCapabilities?.buildId === buildId || Date.now() - timestampMs(lastAccessTime) > GONE_MS,
  );
}
