// The same loops on Temporal as most people write them, sending every model call the whole conversation: how far that goes.
import { fileURLToPath } from 'node:url';
import { NativeConnection, Worker } from '@temporalio/worker';
import { connect } from '../client/index.ts';
import { newRunId } from '../client/runId.ts';
import type { Ground } from './ground.ts';

export interface WholeLoop {
  readonly input: string;
  readonly turns: number;
  readonly calls: number;
  result(): string;
}

export interface WholeEnd {
  /** Model calls that were answered. */
  readonly turns: number;
  readonly bytes: number;
  readonly ended: string;
  /** Bytes that each turn added to the history, by turn. */
  readonly perTurn: readonly number[];
}

export async function runWhole(ground: Ground, { input, turns, calls, result }: WholeLoop): Promise<WholeEnd> {
  // Its payloads bypass our converter, so they are not compressed either.
  const holdfast = await connect({ address: ground.address, payloads: { compressAbove: Number.POSITIVE_INFINITY } });
  const { client } = holdfast;
  const taskQueue = `whole-${newRunId()}`;
  const connection = await NativeConnection.connect({ address: ground.address });
  const worker = await Worker.create({
    connection,
    taskQueue,
    workflowsPath: fileURLToPath(new URL('./bareWorkflow.ts', import.meta.url)),
    activities: { thinkAbout: async () => 'Let us see.', result: async () => result() },
    maxEagerActivityReservationsPerWorkflowTask: 16,
  });
  const running = worker.run();
  try {
    const workflowId = `whole-${newRunId()}`;
    const handle = await client.workflow.start('whole', { taskQueue, workflowId, args: [input, turns, calls] });
    const ended = await handle.result().then(
      () => 'completed',
      (error: Error) => (error.cause instanceof Error ? error.cause.message : error.message),
    );
    const sizes: number[] = [];
    let bytes = 0;
    for (const event of (await handle.fetchHistory()).events ?? []) {
      bytes = Number(event.workflowTaskStartedEventAttributes?.historySizeBytes ?? bytes);
      if (event.activityTaskScheduledEventAttributes?.activityType?.name === 'thinkAbout') sizes.push(bytes);
    }
    const { historySize = 0 } = await handle.describe();
    return {
      turns: sizes.length,
      bytes: historySize,
      ended,
      perTurn: sizes.slice(1).map((size, i) => size - sizes[i]!),
    };
  } finally {
    worker.shutdown();
    await running;
    await Promise.all([connection.close(), holdfast.close()]);
  }
}
