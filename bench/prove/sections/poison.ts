// Strangers send what nobody can read, and the model's server answers without an end, beside runs that are at work: each of them is
// exact, and no worker dies of it.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import type { Client } from '@temporalio/client';
import type { Payload } from '@temporalio/common';
import { payloadProto } from '../../../client/payloads/sdk.ts';
import { SIGNAL, UPDATE } from '../../../core/names.ts';
import { seeded } from '../../../test/support/people.ts';
import { PAYLOADS, startStrangeRuns } from '../../../test/support/strangeRuns.ts';
import { playCrowd } from '../ground/crowd.ts';
import { atLeast, rowsOf } from '../ground/exact.ts';
import { type Lane, openLane } from '../ground/lane.ts';
import { peakMb } from '../ground/memory.ts';
import { openDoor } from '../ground/outage.ts';
import { persist, play } from '../ground/play.ts';
import { withStage } from '../ground/stage.ts';
import type { Row, SectionOnSite } from '../section.ts';

const RUNS = { short: 40, long: 400 };
const AT_ONCE = 10;
/** Signals to one run, each of which unpacks to so much. */
const BOMBS = 60;
const BOMB_BYTES = 63 * 1024 * 1024;
const PEAK_MB_MAX = 1_000;
/** Between two messages to the runs at work. */
const PAUSE_MS = 20;

export const poison: SectionOnSite = ({ seed, long, say }, site) =>
  withStage(site, async (stage) => {
    const runs = long ? RUNS.long : RUNS.short;
    const door = await openDoor(stage.model.baseURL, 'endless');
    const lane = await openLane({ ...stage.lane, modelURL: door.url, workers: 2, cached: true });
    const { holdfast } = lane;
    const random = seeded(seed);
    const sent = { signals: 0, updates: 0, refused: 0 };
    let begun = AT_ONCE;

    async function poisonOne(): Promise<void> {
      const to = { workflowId: `poison-${Math.max(0, begun - 1 - Math.floor(random() * AT_ONCE))}` };
      const payload = Object.values(PAYLOADS)[Math.floor(random() * Object.keys(PAYLOADS).length)]!;
      if (random() < 0.7) {
        const name = [SIGNAL.fromParent, SIGNAL.fromChild, 'unheardOf'][Math.floor(random() * 3)]!;
        if (await sendSignal(holdfast.client, to, name, payload)) sent.signals += 1;
        return;
      }
      const names = Object.values(UPDATE);
      const answer = await sendUpdate(holdfast.client, to, names[Math.floor(random() * names.length)]!, payload);
      if (answer === null) return;
      sent.updates += 1;
      if (answer === 'refused') sent.refused += 1;
    }

    try {
      const strange = await startStrangeRuns(holdfast.client);
      say('strange runs');
      const bombed = await bombRun(lane);
      say(`${BOMBS} signals of ${BOMB_BYTES / 1024 ** 2} MB`);
      await door.shut();
      const tally = await playCrowd(stage, lane, {
        name: 'poison',
        runs,
        atOnce: AT_ONCE,
        seed,
        ended() {
          begun += 1;
        },
        async disturb(until) {
          while (!until.aborted) {
            await poisonOne();
            await sleep(PAUSE_MS);
          }
        },
      });
      const listed = await listedRuns(lane);
      const ids = [...strange.unreadable, ...strange.partly, ...strange.others];
      const peaks = await Promise.all(lane.workers.map(({ pid }) => peakMb(pid)));
      return {
        name: 'poison',
        title: 'Poison',
        rows: [
          atLeast('signals that nobody can read, to runs at work', runs / 4, sent.signals),
          {
            what: 'updates that nobody can read, refused',
            asked: 'all',
            measured: `${sent.refused} of ${sent.updates}`,
            reached: sent.updates > 0 && sent.refused === sent.updates,
          },
          atLeast('answers of the model without an end', 10, door.turnedAway),
          {
            what: `a run that was sent ${BOMBS} signals of ${BOMB_BYTES / 1024 ** 2} MB`,
            asked: 'completed',
            measured: bombed,
            reached: bombed === 'completed',
          },
          {
            what: 'runs that cannot be read, listed beside the others',
            asked: String(ids.length),
            measured: String(ids.filter((id) => listed.has(id)).length),
            reached: ids.every((id) => listed.has(id)),
          },
          memoryRow(peaks),
          ...rowsOf(tally, seed),
          stage.invalidRequests(),
        ],
        figures: { ...sent, endless: door.turnedAway, peaksMb: peaks, ...tally },
      };
    } finally {
      await lane.close();
      await door.close();
    }
  });

function memoryRow(peaks: readonly (number | null)[]): Row {
  const known = peaks.filter((peak) => peak !== null);
  return {
    what: 'the most memory that a worker had, MB',
    asked: `at most ${PEAK_MB_MAX}`,
    measured: known.length > 0 ? known.join(', ') : 'unknown on this system',
    reached: known.every((peak) => peak <= PEAK_MB_MAX),
  };
}

/** A run that waits for a person, and is approved once the signals are there. */
async function bombRun({ holdfast }: Lane): Promise<string> {
  const payload = payloadProto.encode({
    metadata: { encoding: Buffer.from('json/plain') },
    data: Buffer.alloc(BOMB_BYTES, ' '),
  });
  const bomb: Payload = { metadata: { encoding: Buffer.from('binary/gzip') }, data: gzipSync(payload.finish()) };
  const { result } = await play(
    holdfast,
    'poison-bombed',
    {
      agent: 'prover',
      plan: { id: 'bombed', turns: [[{ tool: 'ask', name: 'bombed' }]] },
      people: [{ act: 'approve' }],
    },
    async (_, { workflowId }) => {
      for (let i = 0; i < BOMBS; i++) await sendSignal(holdfast.client, { workflowId }, 'unheardOf', bomb);
    },
  );
  return result.status;
}

/** Whether the run took it: it may have ended. */
async function sendSignal(client: Client, workflowExecution: { workflowId: string }, signalName: string, one: Payload) {
  const { namespace } = client.options;
  const input = { payloads: [one] };
  return client.workflowService
    .signalWorkflowExecution({ namespace, workflowExecution, signalName, input, requestId: randomUUID() })
    .then(() => true)
    .catch(() => false);
}

/** Whether the run refused it; null if it had ended. */
async function sendUpdate(client: Client, workflowExecution: { workflowId: string }, name: string, one: Payload) {
  const { namespace } = client.options;
  const request = { meta: { updateId: randomUUID() }, input: { name, args: { payloads: [one] } } };
  // The update has ended.
  const waitPolicy = { lifecycleStage: 3 };
  return client.workflowService
    .updateWorkflowExecution({ namespace, workflowExecution, waitPolicy, request })
    .then(({ outcome }) => (outcome?.failure ? ('refused' as const) : ('taken' as const)))
    .catch(() => null);
}

async function listedRuns({ holdfast }: Lane): Promise<ReadonlySet<string>> {
  await persist(() => holdfast.inbox({ limit: 1_000 }));
  const runs = await persist(() => holdfast.list({ limit: 1_000 }));
  return new Set(runs.map(({ workflowId }) => workflowId));
}
