// The cost of durability: overhead per turn, duration of a batch, and throughput of concurrent runs.
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { NativeConnection, Worker } from '@temporalio/worker';
import { newRunId } from '../client/runId.ts';
import { readRun } from '../core/read/readRun.ts';
import { loop, openGround } from './ground.ts';
import { runInProcess } from './inProcess.ts';
import { printRow, repeat, sampleOf } from './measure.ts';

const RUNS = 9;
const TURNS = 10;

export async function overhead(): Promise<void> {
  const turns = loop(
    'turns',
    TURNS,
    Array.from({ length: 4 }, () => ({ ms: 20 })),
  );
  const three = loop('three', 1, [{ ms: 200 }, { ms: 180 }, { ms: 150 }]);
  const fifty = loop(
    'fifty',
    1,
    Array.from({ length: 50 }, () => ({ ms: 100 })),
    { parallel: 50 },
  );
  const crowd = loop('crowd', 3, [{ ms: 20 }, { ms: 20 }], { modelMs: 50 });
  const loops = [turns, three, fifty, crowd];
  const ground = await openGround(
    loops.map(({ agent }) => agent),
    Object.fromEntries(loops.map(({ agent, script }) => [agent.name, script])),
  );
  const batchMs = async (agent: (typeof three)['agent']) => {
    const { workflowId } = await ground.runMs(agent);
    const [turn] = readRun(await ground.holdfast.get(workflowId).history()).turns;
    const calls = turn?.calls ?? [];
    return (
      Math.max(...calls.map((call) => call.endedAtMs ?? 0)) - Math.min(...calls.map((call) => call.scheduledAtMs ?? 0))
    );
  };
  const bareWorker = await Worker.create({
    connection: await NativeConnection.connect({ address: ground.address }),
    taskQueue: 'bare',
    workflowsPath: fileURLToPath(new URL('./bareWorkflow.ts', import.meta.url)),
    activities: { async think() {}, work: (ms: number) => sleep(ms) },
    maxEagerActivityReservationsPerWorkflowTask: 16,
  });
  const bareRunning = bareWorker.run();
  const bareMs = async () => {
    const startedMs = performance.now();
    const args = [TURNS, [20, 20, 20, 20]];
    await ground.holdfast.client.workflow.execute('bare', {
      taskQueue: 'bare',
      workflowId: `bare-${newRunId()}`,
      args,
    });
    return performance.now() - startedMs;
  };
  const inProcessMs = async () => {
    const startedMs = performance.now();
    await runInProcess(ground.endpoint, turns.agent, 'Go.');
    return performance.now() - startedMs;
  };
  try {
    // Warm-up: the first runs pay for compilation everywhere.
    for (let i = 0; i < 4; i++) await ground.runMs(turns.agent);
    for (let i = 0; i < 4; i++) await bareMs();
    await ground.runMs(fifty.agent);
    await inProcessMs();

    // The three alternate, so that changes in the machine's load affect them alike.
    const ours: number[] = [];
    const bare: number[] = [];
    const inProcess: number[] = [];
    for (let i = 0; i < RUNS; i++) {
      inProcess.push((await inProcessMs()) / TURNS);
      bare.push((await bareMs()) / TURNS);
      ours.push((await ground.runMs(turns.agent)).ms / TURNS);
    }
    const beyond = (values: readonly number[]) => sampleOf(values.map((ms, i) => ms - inProcess[i]!));
    const overhead = beyond(ours);
    printRow({
      what: `overhead a turn, ${TURNS} turns × 4 tools of 20 ms`,
      sample: overhead,
      unit: 'ms',
      digits: 1,
      target: { at: 'most', value: 25 },
    });
    printRow({ what: 'the same of a bare Temporal loop: the floor', sample: beyond(bare), unit: 'ms', digits: 1 });
    printRow({ what: 'a turn of the same loop in-process', sample: sampleOf(inProcess), unit: 'ms', digits: 1 });
    printRow({
      what: 'batch of three tools, 200/180/150 ms',
      sample: await repeat(RUNS, () => batchMs(three.agent)),
      unit: 'ms',
      target: { at: 'most', value: 220 },
    });
    printRow({
      what: 'batch of 50 tools of 100 ms, parallel 50',
      sample: await repeat(RUNS, () => batchMs(fifty.agent)),
      unit: 'ms',
      target: { at: 'most', value: 200 },
    });

    const runsPerSecond = async () => {
      const startedMs = performance.now();
      await Promise.all(Array.from({ length: 50 }, () => ground.runMs(crowd.agent)));
      return 50 / ((performance.now() - startedMs) / 1_000);
    };
    await runsPerSecond();
    printRow({
      what: '50 runs at once, 3 turns × 2 tools of 20 ms, model 50 ms',
      sample: await repeat(5, runsPerSecond),
      unit: 'runs/s',
      digits: 1,
      target: { at: 'least', value: 20 },
    });
  } finally {
    bareWorker.shutdown();
    await bareRunning;
    await ground.close();
  }
}
