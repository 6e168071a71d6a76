// How long a run waits when its worker dies: until the call in flight starts again, and until a run that was only in its memory
// continues elsewhere.
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunHandle } from '../../../client/index.ts';
import { TOOL_DEFAULTS } from '../../../core/limits.ts';
import { type Lane, openLane } from '../ground/lane.ts';
import type { Ledger, Start } from '../ground/ledger.ts';
import { CONTEXT, persist } from '../ground/play.ts';
import { type Stage, withStage } from '../ground/stage.ts';
import type { Row, SectionOnSite } from '../section.ts';

const TIMES = { short: 5, long: 20 };
const LANES = 3;
const SHORT_HEARTBEAT_MS = 3_000;
/** The targets: beyond the heartbeat timeout, and for a run that was only in memory. */
const BEYOND_MS = 2_000;
const WORKFLOW_MS = 5_000;
const LOOK_MS = 20;

export const recovery: SectionOnSite = ({ long, say }, site) =>
  withStage(site, async (stage) => {
    const times = long ? TIMES.long : TIMES.short;
    const tool10: number[] = [];
    const tool3: number[] = [];
    const workflow: number[] = [];
    const measures = [
      ...Array.from(
        { length: times },
        () => async (lane: Lane) => void tool10.push(await killInTool(stage, lane, 'wait_10')),
      ),
      ...Array.from(
        { length: times },
        () => async (lane: Lane) => void tool3.push(await killInTool(stage, lane, 'wait_3')),
      ),
      ...Array.from({ length: times }, () => async (lane: Lane) => void workflow.push(await killHolder(stage, lane))),
    ];
    const total = measures.length;
    await Promise.all(
      Array.from({ length: LANES }, async () => {
        // Two, so that another one is running when one dies.
        const lane = await openLane({ ...stage.lane, workers: 2, cached: true });
        try {
          for (let measure = measures.shift(); measure; measure = measures.shift()) {
            await measure(lane);
            // A starting worker would take a core from what is timed.
            await lane.whole();
            if (measures.length % 10 === 0) say(`${total - measures.length} of ${total} kills`);
          }
        } finally {
          await lane.close();
        }
      }),
    );
    return {
      name: 'recovery',
      title: 'Recovery',
      rows: [
        timed(
          `from a kill to the next start of the tool, heartbeat ${TOOL_DEFAULTS.heartbeatMs / 1_000} s`,
          tool10,
          TOOL_DEFAULTS.heartbeatMs + BEYOND_MS,
        ),
        timed(
          `from a kill to the next start of the tool, heartbeat ${SHORT_HEARTBEAT_MS / 1_000} s`,
          tool3,
          SHORT_HEARTBEAT_MS + BEYOND_MS,
        ),
        timed(
          'from the kill of a worker that held only the workflow to its progress on another',
          workflow,
          WORKFLOW_MS,
        ),
      ],
      figures: { tool10, tool3, workflow },
    };
  });

let count = 0;

/** The worker dies in the tool's first attempt; measures until the second one starts. */
async function killInTool({ ledger }: Stage, lane: Lane, tool: string): Promise<number> {
  const handle = await lane.holdfast.start('waiter', tool, { id: `recovery-${++count}` });
  const first = await startOf(ledger, handle, 1);
  const killedAtMs = await kill(lane, first.pid);
  const second = await startOf(ledger, handle, 2);
  await handle.result();
  return second.atMs - killedAtMs;
}

/** The worker dies while the run waits for a person, who decides at that moment; measures until the call starts. */
async function killHolder({ ledger }: Stage, lane: Lane): Promise<number> {
  const id = `recovery-${++count}`;
  const plan = { id, turns: [[{ tool: 'look', name: 'a' }], [{ tool: 'ask', name: 'b' }]] };
  const handle = await lane.holdfast.start('prover', JSON.stringify(plan), { id, context: CONTEXT });
  for (;;) {
    const { status, questions, reason } = await handle.read();
    if (questions.length > 0) break;
    if (status !== 'running') throw new Error(`${id} ended as ${status}: ${reason}`);
    await sleep(LOOK_MS);
  }
  const holder = await holderOf(handle);
  const killedAtMs = await kill(lane, holder);
  await persist(() => handle.approve());
  while ((await ledger.starts({ workflowId: id, place: '2.0' })).length === 0) await sleep(LOOK_MS);
  const [start] = await ledger.starts({ workflowId: id, place: '2.0' });
  await handle.result();
  return start!.atMs - killedAtMs;
}

/** Who took the last task of the run has it in memory: its identity is its process id and host. */
async function holderOf(handle: RunHandle): Promise<number> {
  const { events = [] } = await handle.history();
  const last = events?.findLast((event) => event.workflowTaskStartedEventAttributes);
  const identity = (last?.workflowTaskStartedEventAttributes as { identity?: string } | undefined)?.identity ?? '';
  return Number(identity.split('@')[0]);
}

async function kill(lane: Lane, pid: number): Promise<number> {
  const worker = lane.workers.find((one) => one.pid === pid);
  if (!worker) throw new Error(`No worker of the lane is process ${pid}.`);
  return lane.kill(worker);
}

async function startOf(ledger: Ledger, { workflowId }: RunHandle, attempt: number): Promise<Start> {
  for (;;) {
    const starts = await ledger.starts({ workflowId, place: '1.0' });
    const found = starts.find((start) => start.attempt === attempt);
    if (found) return found;
    await sleep(LOOK_MS);
  }
}

function timed(what: string, valuesMs: readonly number[], limitMs: number): Row {
  const sorted = [...valuesMs].sort((a, b) => a - b);
  const seconds = (ms: number | undefined) => ((ms ?? Number.NaN) / 1_000).toFixed(1);
  // The nearest rank: of 20 values the 19th.
  const p95Ms = sorted[Math.ceil(sorted.length * 0.95) - 1];
  const median = sorted[Math.floor(sorted.length / 2)];
  return {
    what: `${what}, p95 of ${sorted.length}`,
    asked: `at most ${seconds(limitMs)} s`,
    measured: `${seconds(p95Ms)} s (median ${seconds(median)}, ${seconds(sorted[0])} to ${seconds(sorted.at(-1))})`,
    reached: p95Ms !== undefined && p95Ms <= limitMs,
    isTime: true,
  };
}
