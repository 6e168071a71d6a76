// What continue-as-new hands over: of links that were read it says what they settled, of links that are gone all there is.

import type {
  AgentRecord,
  Budget,
  Message,
  ModelAnswer,
  Outcome,
  Spend,
  StandingDecision,
  ToolCall,
  Waits,
} from '../types.ts';
import { answersIn } from './conversation.ts';
import type { Reading } from './reading.ts';
import type { Run, RunEvent } from './run.ts';
import { type OpenTurn, openCalls, openTurn, settle } from './turns.ts';

/** As far as it says what the histories before it did. */
export interface CarriedPart {
  readonly transcript: readonly Message[];
  readonly agent: AgentRecord | null;
  readonly usage: Run['usage'];
  readonly spend: Spend;
  readonly childSpend?: Readonly<Record<string, Spend>>;
  readonly turn: number;
  readonly context?: { readonly times: number };
  readonly agentName?: string;
  readonly startedAtMs?: number;
  readonly calls?: number;
  readonly failedCalls?: number;
  readonly warnings?: readonly string[];
  readonly budget?: Budget | null;
  readonly queue?: readonly { readonly kind: string; readonly text: string }[];
  readonly messageIds?: readonly { readonly id: string }[];
  readonly orderIds?: readonly string[];
  readonly shownWaits?: Waits | null;
  readonly paused?: boolean;
  readonly pausedByParent?: boolean;
  readonly stop?: unknown;
  readonly batch: CarriedBatch | null;
}

interface CarriedBatch {
  readonly answer?: Pick<ModelAnswer, 'tell'>;
  readonly calls: readonly Pick<ToolCall, 'id' | 'function'>[];
  readonly plan: ModelAnswer['plan'];
  readonly outcomes: readonly (Outcome | null)[];
  readonly asks: Readonly<Record<number, { readonly decision: StandingDecision | null }>>;
  readonly askedAtMs: number;
}

/** What the links before, which were read, have settled without an event. */
export function carriedOver(reading: Reading, { transcript, spend, batch }: CarriedPart, atMs: number): RunEvent[] {
  const { run, turns } = reading;
  // How long people were waited for, only the run knows.
  run.spend = { ...run.spend, activeMs: spend.activeMs };
  if (!batch) return answersIn(reading, transcript, atMs);
  const calls = turns.at(-1)?.calls ?? [];
  return calls.flatMap((call) => {
    const outcome = batch.outcomes[call.slot];
    return outcome && call.ok === null ? [settle(call, outcome, atMs)] : [];
  });
}

/** All that is known of the links before, which nobody has any more. */
export function takeOver(reading: Reading, carried: CarriedPart): void {
  const { run, turns, childSpend, messageIds, orderIds } = reading;
  const { transcript, turn, batch, calls = 0, failedCalls = 0, queue = [] } = carried;
  run.earlier = { turns: batch ? turn - 1 : turn, calls, failedCalls };
  run.startedAtMs = carried.startedAtMs ?? run.startedAtMs;
  run.usage = carried.usage;
  run.spend = carried.spend;
  run.budget = carried.budget ?? run.budget;
  run.paused = carried.paused === true ? { by: null } : null;
  run.output = transcript.findLast(({ role, content }) => role === 'assistant' && content)?.content ?? null;
  reading.agent = carried.agent ?? undefined;
  reading.earlierCompactions = carried.context?.times ?? 0;
  reading.warningsBefore = carried.warnings ?? [];
  reading.before = transcript;
  reading.unheard = queue.map(({ kind, text }) => ({ text, isMessage: kind === 'message' }));
  reading.waits = carried.shownWaits ?? null;
  reading.heldByParent = carried.pausedByParent === true;
  reading.stopped = Boolean(carried.stop);
  for (const { id } of carried.messageIds ?? []) messageIds.add(id);
  for (const id of carried.orderIds ?? []) orderIds.add(id);
  for (const [childId, spent] of Object.entries(carried.childSpend ?? {})) childSpend.set(childId, spent);
  if (batch) turns.push(turnOf(batch, turn, carried.agentName ?? run.agent));
}

/** The turn whose calls were under way. */
function turnOf({ answer, calls, plan, outcomes, asks, askedAtMs }: CarriedBatch, turn: number, agent: string) {
  const open: OpenTurn = {
    ...openTurn(turn, agent, askedAtMs),
    answeredAtMs: askedAtMs,
    taken: true,
    tell: answer?.tell,
    calls: openCalls(turn, calls, plan),
  };
  for (const call of open.calls) {
    call.decision = asks[call.slot]?.decision ?? null;
    const outcome = outcomes[call.slot];
    if (outcome) settle(call, outcome, askedAtMs);
  }
  return open;
}
