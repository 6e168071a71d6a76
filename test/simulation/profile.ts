// What kind of run a seed makes: its agent, its limits, its people, and how unlucky it is. Most runs have a few of the
// features, so that they meet in all combinations.
import type { AgentRules, Budget, ParentRun, RunInput } from '../../core/types.ts';
import type { Random } from './random.ts';
import type { Chances } from './server.ts';

export interface Profile {
  readonly input: RunInput;
  readonly parentId: string | null;
  readonly parent: ParentRun | undefined;
  readonly chances: Chances;
  /** How much of each there is in the model's answers: chances from 0 to 1. */
  readonly calls: {
    readonly problem: number;
    readonly ask: number;
    readonly child: number;
    readonly handoff: number;
    readonly changed: number;
    readonly repeated: number;
  };
  readonly final: number;
  /** That a call, or an attempt at an answer, fails. */
  readonly failing: number;
  /** How often people do something, beside what goes on. */
  readonly people: number;
  /** Tasks after which people say nothing more, and models come to an end. */
  readonly busyTasks: number;
  /** That the run is cancelled, in each task. */
  readonly cancel: number;
  /** That a deploy has changed the agent, in each answer. */
  readonly deploy: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

export function profileOf(random: Random): Profile {
  const some = (likely: number, amount: number) => (random.chance(likely) ? amount * random.unit() : 0);
  const session = random.chance(0.3);
  const parentId = random.chance(0.35) ? 'above' : null;
  const budget = random.chance(0.35) ? budgetOf(random) : undefined;
  return {
    parentId,
    parent:
      parentId === null
        ? undefined
        : { depth: random.int(1, 2), rootRunId: 'root-chain', maxDepth: 3, reports: random.chance(0.7) },
    input: {
      agent: 'alpha',
      input: session && random.chance(0.3) ? '' : 'say: begin',
      ...(session && { session }),
      ...(random.chance(0.2) && { maxTurns: random.int(1, 6) }),
      ...(random.chance(0.2) && { parallel: random.int(1, 4) }),
      ...(budget && { budget }),
      // Of every other run, whatever else it has.
      ...(parentId === null && { context: { tenant: 'acme' } }),
    },
    chances: { lost: some(0.5, 0.2), evicted: some(0.5, 0.3), suggests: some(0.2, 0.1) },
    calls: {
      problem: some(0.5, 0.4),
      ask: some(0.6, 0.6),
      child: some(0.4, 0.5),
      handoff: some(0.2, 0.3),
      changed: some(0.3, 0.4),
      repeated: some(0.2, 1),
    },
    final: 0.05 + 0.3 * random.unit(),
    failing: some(0.7, 0.8),
    people: some(0.8, 0.8),
    busyTasks: random.int(5, 60),
    cancel: random.chance(0.2) ? 0.2 * random.unit() : 0,
    deploy: some(0.3, 0.3),
  };
}

function budgetOf(random: Random): Budget {
  return {
    ...(random.chance(0.3) && { tokens: random.int(10, 400) }),
    ...(random.chance(0.3) && { cost: random.int(1, 20) }),
    ...(random.chance(0.4) && { modelCalls: random.int(1, 6) }),
    ...(random.chance(0.4) && { toolCalls: random.int(1, 10) }),
    ...(random.chance(0.2) && { activeMs: random.int(5_000, 5 * MINUTE_MS) }),
    ...(random.chance(0.5) && { atLimit: random.chance(0.6) ? ('ask' as const) : ('stop' as const) }),
  };
}

export function rulesOf(random: Random): AgentRules {
  return {
    maxTurns: random.int(1, 10),
    parallel: random.int(1, 4),
    whenAllToolsFail: random.pick(['tell', 'abort', 'continue'] as const),
    timeLimitMs: random.chance(0.1) ? random.int(10_000, 10 * MINUTE_MS) : 24 * HOUR_MS,
    ...(random.chance(0.6) && { approvalTimeoutMs: random.int(2_000, HOUR_MS) }),
    ...(random.chance(0.6) && { whenApprovalExpires: random.pick(['reject', 'end'] as const) }),
    ...(random.chance(0.2) && { budget: budgetOf(random) }),
    ...(random.chance(0.5) && { idleMs: random.int(5_000, HOUR_MS) }),
    ...(random.chance(0.6) && { maxHistoryEvents: random.int(20, 40) }),
    ...(random.chance(0.2) && { compactAt: random.int(20, 120) }),
    ...(random.chance(0.3) && { maxSubAgents: random.int(1, 4) }),
    ...(random.chance(0.3) && { maxDepth: random.int(1, 3) }),
  };
}
