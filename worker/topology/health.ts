// The health check of a worker's container: a worker of this machine has asked the server for work of late. Exit code 0
// when one has.
import { hostname } from 'node:os';
import { Connection } from '@temporalio/client';
import { readSettings } from '../../client/settings.ts';
import { TASK_QUEUE } from '../../core/names.ts';

// A poll that finds nothing comes back after 60 s.
const POLLED_WITHIN_MS = 120_000;
const TIMEOUT_MS = 8_000;
/** Temporal's number for the queue of workflow tasks. */
const WORKFLOW_TASKS = 1;

try {
  const { address, namespace, connection: options } = readSettings({});
  const connection = await Connection.connect({ ...options, address, connectTimeout: TIMEOUT_MS });
  const { pollers } = await connection.withDeadline(Date.now() + TIMEOUT_MS, () =>
    connection.workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name: TASK_QUEUE },
      taskQueueType: WORKFLOW_TASKS,
    }),
  );
  await connection.close();
  // The SDK's own name for a worker: its process and its machine.
  const ours = (pollers ?? []).filter(({ identity }) => identity?.endsWith(`@${hostname()}`));
  const lastMs = Math.max(...ours.map(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) * 1_000));
  if (Date.now() - lastMs > POLLED_WITHIN_MS) throw new Error(`No worker of ${hostname()} has polled of late.`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
