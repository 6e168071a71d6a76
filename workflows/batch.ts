// A turn's tool calls, side by side within their limits. Results go by slot, never in order of arrival. A call that waits
// for a person takes no place: its siblings run on.
import { CancellationScope } from '@temporalio/workflow';
import { beyondBudget } from '../core/budget.ts';
import { jsonBytes } from '../core/text.ts';
import { CALL_INTERRUPTED, handedOff, notStarted, RUN_STOPPED, refused } from '../core/toolFailure.ts';
import type { AgentRecord, AllowedCall, Outcome, ToolCall } from '../core/types.ts';
import { watchExpiry } from './approvals.ts';
import {
  askForBudget,
  askNoMoreForCalls,
  asksAtLimit,
  callsAllowed,
  callsUsedUp,
  childrenOverBudget,
} from './budget.ts';
import { HISTORY_FULL, isFull, moveOn, mustMoveOn } from './carry.ts';
import { showTools } from './details.ts';
import { tellChildren } from './family.ts';
import { type Batch, callsThatRan, isPaused, nextChange, type RunState } from './runState.ts';
import { runTool } from './runTool.ts';
import { runSubAgent } from './subAgent.ts';
import { nextTask, takeRoom } from './taskRoom.ts';
import { goOn, hold, showWaits } from './waits.ts';

/** Carries out the open batch, and settles when every call has an outcome. It never throws, but for continue-as-new. */
export async function carryOut(run: RunState): Promise<Batch> {
  const batch = run.batch!;
  const { calls, outcomes } = batch;
  const { policies, rules } = run.agent!;
  const limit = run.input.parallel ?? rules.parallel;
  const running = new Map<number, Promise<number>>();
  const expiry = watchExpiry(run, batch);
  let started = callsThatRan(batch);

  for (;;) {
    const change = nextChange(run);
    const waiting = ready(batch, running);
    const halted = whyHalted(run, batch);
    if (halted !== null) settleRest(run, batch, running, halted);
    else if (!isPaused(run)) {
      startWhatMay(waiting);
      refuseBeyondBudget();
    }
    steerChildren();
    if (outcomes.every((outcome) => outcome !== null)) break;
    if (isFull(run) && !run.stop) {
      run.stop = HISTORY_FULL;
      continue;
    }
    if (running.size === 0 && !isBeingChecked(batch) && mustMoveOn(run)) {
      expiry.stop();
      await moveOn(run);
      continue;
    }
    const shown = [...running.keys()].map((slot) => calls[slot]!);
    showTools(run, shown, waiting.length);
    if (onlyPeopleAreWaitedFor(run, running)) hold(run);
    else goOn(run);
    showWaits(run);
    const ended = await Promise.race([...running.values(), change]);
    if (typeof ended === 'number') running.delete(ended);
  }
  expiry.stop();
  askNoMoreForCalls(run);
  goOn(run);
  showWaits(run);
  return batch;

  function startWhatMay(waiting: number[]): void {
    // A sub-agent that waits for a person takes no place, as a call that waits for one takes none.
    const busy = new Set([...running.keys()].filter((slot) => !waitsForPeople(run, slot)));
    while (waiting.length > 0 && busy.size < limit) {
      const slot = nextAllowed(waiting, busy, calls, policies);
      if (slot === undefined) return;
      const planned = batch.plan[slot] as AllowedCall;
      const refusal = callsAllowed(run, started, planned.child !== undefined);
      if (refusal !== null) {
        run.budgetReached = refusal;
        if (asksAtLimit(run)) return askForBudget(run);
        for (const left of waiting.splice(0)) refuse(left, refusal);
        return;
      }
      if (!takeRoom(run, jsonBytes(planned.child ?? planned.arguments ?? calls[slot]!.function.arguments))) {
        nextTask().then(() => run.live.wake());
        return;
      }
      waiting.splice(waiting.indexOf(slot), 1);
      if (planned.handoff === undefined) started += 1;
      busy.add(slot);
      running.set(slot, start(slot, planned));
    }
  }

  /** Nobody has to decide about a call that may not run whatever they say. */
  function refuseBeyondBudget(): void {
    const usedUp = callsUsedUp(run, started);
    if (usedUp === null || asksAtLimit(run)) return;
    for (const [slot, outcome] of outcomes.entries()) {
      const planned = batch.plan[slot];
      const isCall = planned && 'digest' in planned && planned.handoff === undefined;
      if (outcome !== null || running.has(slot) || !isCall) continue;
      run.budgetReached = usedUp;
      refuse(slot, usedUp);
    }
  }

  function refuse(slot: number, why: string): void {
    run.live.checking.get(slot)?.cancel();
    outcomes[slot] = refused(calls[slot]!.function.name, beyondBudget(why));
  }

  async function start(slot: number, planned: AllowedCall): Promise<number> {
    const scope = new CancellationScope();
    run.live.running.set(slot, scope);
    outcomes[slot] = await scope.run(() => carryOutCall(run, batch, slot, planned));
    run.live.running.delete(slot);
    return slot;
  }

  /** What holds or stops the run does so to its sub-agents; and so does a limit that they have reached together. */
  function steerChildren(): void {
    if (run.live.children.size === 0) return;
    const over = childrenOverBudget(run, started);
    const asks = asksAtLimit(run);
    if (over !== null && asks) askForBudget(run);
    const why = over === null || asks ? null : { why: over };
    tellChildren(run, isPaused(run) || over !== null, run.stop ?? why);
  }
}

async function carryOutCall(run: RunState, batch: Batch, slot: number, planned: AllowedCall): Promise<Outcome> {
  const call = withArguments(batch.calls[slot]!, planned);
  if (planned.handoff !== undefined) return handOff(batch, call, planned.handoff);
  if (planned.child) return runSubAgent(run, slot, call, planned.child);
  const outcome = await runTool(run, slot, call, planned.digest, batch.asks[slot]?.decision ?? null);
  return outcome;
}

/** The call as it runs: with the arguments that a guardrail or a person gave it. */
function withArguments(call: ToolCall, planned: AllowedCall): ToolCall {
  if (planned.arguments === undefined) return call;
  return { ...call, function: { ...call.function, arguments: planned.arguments } };
}

function handOff(batch: Batch, call: ToolCall, to: string): Outcome {
  const outcome = handedOff(call.function.name, to, batch.handoff);
  batch.handoff ??= to;
  return outcome;
}

/** Slots that may start as soon as there is a place. */
function ready({ outcomes, asks }: Batch, running: ReadonlyMap<number, unknown>): number[] {
  return [...outcomes.keys()].filter((slot) => {
    const ask = asks[slot];
    return outcomes[slot] === null && !running.has(slot) && (ask === undefined || ask.decision !== null);
  });
}

/** Why nothing more of the batch starts; null where it may. */
function whyHalted(run: RunState, batch: Batch): string | null {
  if (CancellationScope.current().consideredCancelled) return 'cancelled before it started';
  if (run.live.interrupted) return CALL_INTERRUPTED;
  if (run.stop) return RUN_STOPPED;
  return batch.expired === null ? null : `not run: ${batch.expired}`;
}

function settleRest(
  run: RunState,
  { calls, outcomes }: Batch,
  running: ReadonlyMap<number, unknown>,
  why: string,
): void {
  for (const [slot, outcome] of outcomes.entries()) {
    if (outcome !== null || running.has(slot)) continue;
    // Nobody waits for a rule that takes its time over new arguments.
    run.live.checking.get(slot)?.cancel();
    outcomes[slot] = notStarted(calls[slot]!.function.name, why);
  }
}

function isBeingChecked({ asks }: Batch): boolean {
  return Object.values(asks).some(({ checking }) => checking);
}

function onlyPeopleAreWaitedFor(run: RunState, running: ReadonlyMap<number, unknown>): boolean {
  return [...running.keys()].every((slot) => waitsForPeople(run, slot));
}

/** Whether the call is a run of a sub-agent in which nothing runs but people are waited for. */
function waitsForPeople(run: RunState, slot: number): boolean {
  return [...run.live.children.values()].some((child) => child.slot === slot && child.waiting);
}

/** The first call whose tool has a place; a tool at its own limit lets later calls of other tools go ahead. */
function nextAllowed(
  waiting: readonly number[],
  busy: ReadonlySet<number>,
  calls: readonly ToolCall[],
  policies: AgentRecord['policies'],
): number | undefined {
  const toolOf = (slot: number) => calls[slot]!.function.name;
  return waiting.find((slot) => {
    const tool = toolOf(slot);
    const limit = policies[tool]?.maxParallel ?? Number.POSITIVE_INFINITY;
    return [...busy].filter((other) => toolOf(other) === tool).length < limit;
  });
}
