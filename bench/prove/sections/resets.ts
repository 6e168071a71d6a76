// Every kind of run is reset to each of its workflow tasks, and comes to the same end, without a second effect.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Holdfast, RunHandle } from '../../../client/index.ts';
import type { History } from '../../../core/read/history.ts';
import { reset, resetPoints } from '../../../test/support/resets.ts';
import { keepEvidence } from '../ground/evidence.ts';
import { atLeast, judge, newTally, problem, rowsOf } from '../ground/exact.ts';
import { openLane } from '../ground/lane.ts';
import type { Plan, Step } from '../ground/plan.ts';
import { type Play, type Played, persist, play, playedOf } from '../ground/play.ts';
import { withStage } from '../ground/stage.ts';
import type { SectionOnSite } from '../section.ts';

const LOOK_MS = 50;

const step = (tool: Step['tool'], name: string, more: Partial<Step> = {}): Step => ({ tool, name, ...more });
const plan = (id: string, ...turns: Step[][]): Plan => ({ id, turns });

const below = plan('below', [step('book', 'below-1'), step('look', 'below-2')]);
const KINDS: Readonly<Record<string, Play>> = {
  tools: {
    agent: 'prover',
    plan: plan('tools', [step('book', 'a'), step('look', 'b'), step('book', 'c')], [step('book', 'd')]),
  },
  approval: {
    agent: 'prover',
    plan: plan('approval', [step('ask', 'a'), step('book', 'b')], [step('book', 'c')]),
    people: [{ act: 'approve' }],
  },
  'sub-agents': {
    agent: 'prover',
    plan: plan('above', [step('delegate', 'a', { plan: below }), step('book', 'b')], [step('book', 'c')]),
  },
  session: {
    agent: 'prover',
    plan: plan('session', [step('book', 'a')]),
    options: { session: true },
    people: [{ act: 'say', plan: plan('session-2', [step('book', 'b')]) }, { act: 'close' }],
  },
  'continue-as-new': {
    agent: 'wanderer',
    plan: plan('wanderer', ...Array.from({ length: 6 }, (_, turn) => [step('book', `w-${turn}`)])),
  },
  compaction: {
    agent: 'forgetful',
    plan: plan('forgetful', ...Array.from({ length: 8 }, (_, turn) => [step('book', `f-${turn}`, { bytes: 1_000 })])),
  },
};

export const resets: SectionOnSite = ({ seed, say }, site) =>
  withStage(site, async (stage) => {
    const lane = await openLane({ ...stage.lane, workers: 2, cached: true });
    const { holdfast } = lane;
    const tally = newTally();
    const counts: Record<string, number> = {};

    async function show(name: string, kind: Play): Promise<void> {
      const id = `resets-${name}`;
      const undisturbed = await play(holdfast, id, kind);
      // A run that has continued as new has several histories.
      const points = (await holdfast.get(id).histories()).flatMap((history) =>
        resetPoints(history).map((point) => ({ runId: runIdOf(history), point })),
      );
      counts[name] = points.length;
      for (const { runId, point } of points)
        try {
          await reset(holdfast, { workflowId: id, runId }, point);
          const again = await driven(holdfast, id);
          const isExact = await judge(tally, again, undisturbed, stage.ledger.effects);
          if (!isExact) await keepEvidence(holdfast, id);
        } catch (error) {
          await keepEvidence(holdfast, id);
          problem(tally, 'lost', `${id}, event ${point}: ${error instanceof Error ? error.message : error}`);
        }
      say(`${name}: ${points.length} resets`);
    }

    try {
      await Promise.all(Object.entries(KINDS).map(([name, kind]) => show(name, kind)));
      const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
      const kinds = Object.entries(counts).map(([name, count]) => `${name} ${count}`);
      return {
        name: 'resets',
        title: 'Resets',
        rows: [
          {
            ...atLeast('resets, to each workflow task of each kind of run', 30, total),
            measured: `${total}: ${kinds.join(', ')}`,
          },
          ...rowsOf(tally, seed),
          stage.invalidRequests(),
        ],
        figures: { counts, ...tally },
      };
    } finally {
      await lane.close();
    }
  });

function runIdOf({ events }: History): string {
  return events?.[0]?.workflowExecutionStartedEventAttributes?.originalExecutionRunId ?? '';
}

/** Approves what the run asks until it has ended. The server itself sends again what came after the reset's point. */
async function driven(holdfast: Holdfast, id: string): Promise<Played> {
  const handle = holdfast.get(id);
  const ended = handle.result().then(() => true as const);
  ended.catch(() => undefined);
  while (!(await Promise.race([ended, sleep(LOOK_MS, false)]))) await persist(() => approveAll(handle));
  return playedOf(holdfast, handle);
}

async function approveAll(handle: RunHandle): Promise<void> {
  const { status, questions } = await handle.read();
  if (status !== 'running') return;
  // It may have been decided since.
  for (const question of questions)
    if (question.kind === 'approval') await handle.approve(question.call).catch(() => undefined);
}
