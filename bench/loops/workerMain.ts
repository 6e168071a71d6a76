// The process behind startLoopWorker: a worker of our agent, or one of the bare loop with the options of ours.
import { NativeConnection, Worker } from '@temporalio/worker';
import { quietLogs } from '../../test/support/quiet.ts';
import { createWorker } from '../../worker/index.ts';
import { collectSooner } from '../../worker/memory.ts';
import { loopAgent } from './agent.ts';
import { bareActivities } from './bareActivities.ts';
import type { BareOptions, LoopWorkerOptions, TemporalOptions, WorkerUse } from './worker.ts';

const { address, modelURL, taskQueue, bare, isCached = true } = JSON.parse(process.argv[2]!) as LoopWorkerOptions;

async function createOurs(): Promise<Worker> {
  const model = { apiKey: 'none', baseURL: modelURL };
  const temporal = isCached ? {} : { maxCachedWorkflows: 0 };
  const { worker } = await createWorker({
    agents: [loopAgent],
    address,
    namespace: 'default',
    taskQueue,
    model,
    temporal,
  });
  return worker;
}

async function createBare({ codePath, temporal }: BareOptions): Promise<Worker> {
  return Worker.create({
    ...temporal,
    connection: await NativeConnection.connect({ address }),
    taskQueue,
    workflowBundle: { codePath },
    activities: bareActivities(modelURL),
    buildId: 'bare',
  });
}

quietLogs();
// As `holdfast worker` does.
collectSooner();
const worker = bare === null ? await createOurs() : await createBare(bare);
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  const use: WorkerUse = { cpuMs: (user + system) / 1_000, peakMb: process.resourceUsage().maxRSS / 1_024 };
  process.send!(use);
});
process.on('disconnect', () => process.exit());
const running = worker.run();
process.send!(temporalOptions(worker));
await running;

function temporalOptions({ options }: Worker): TemporalOptions {
  // The SDK keeps the activity limit as one of these.
  const slots = options.tuner.activityTaskSlotSupplier;
  if (slots.type !== 'fixed-size') throw new TypeError('The worker limits its activities by something else.');
  return {
    maxEagerActivityReservationsPerWorkflowTask: options.maxEagerActivityReservationsPerWorkflowTask!,
    maxConcurrentActivityTaskExecutions: slots.numSlots,
    maxHeartbeatThrottleInterval: options.maxHeartbeatThrottleInterval,
    defaultHeartbeatThrottleInterval: options.defaultHeartbeatThrottleInterval,
    stickyQueueScheduleToStartTimeout: options.stickyQueueScheduleToStartTimeout,
  };
}
