// Health check of a worker's container: exits with 0 if a worker on this host has polled the server recently.
import { hostname } from 'node:os';
import { Connection } from '@temporalio/client';
import { readSettings } from '../../client/settings.ts';
import { TASK_QUEUE } from '../../core/names.ts';

// An empty poll returns after 60 s.
const POLLED_WITHIN_MS = 120_000;
const TIMEOUT_MS = 8_000;
/** Temporal's `TASK_QUEUE_TYPE_WORKFLOW`. */
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
  // The SDK's default identity of a worker: pid@host.
  const ours = (pollers ?? []).filter(({ identity }) => identity?.endsWith(`@${hostname()}`));
  const lastMs = Math.max(...ours.map(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) * 1_000));
  if (Date.now() - lastMs > POLLED_WITHIN_MS)
    throw new Error(`No worker on ${hostname()} has polled within ${POLLED_WITHIN_MS / 1_000} seconds.`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
