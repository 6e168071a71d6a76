// A turn's tool calls, side by side within their limits. Results go by slot, never in order of arrival.
import { CancellationScope } from '@temporalio/workflow';
import { notStarted, refused } from '../core/toolFailure.ts';
import type { AgentRecord, Outcome, PlannedCall, ToolCall } from '../core/types.ts';
import { showTools } from './details.ts';
import type { RunState } from './runState.ts';
import { runTool } from './runTool.ts';

/** Carries out the plan of an answer, and settles when every call has an outcome. It never throws. */
export async function carryOut(
  run: RunState,
  calls: readonly ToolCall[],
  plan: readonly PlannedCall[],
  { rules, policies }: AgentRecord,
): Promise<Outcome[]> {
  const outcomes = new Array<Outcome>(calls.length);
  const waiting: number[] = [];
  for (const [slot, call] of calls.entries()) {
    const planned = plan[slot]!;
    if ('problem' in planned) outcomes[slot] = refused(call.function.name, planned.problem);
    else waiting.push(slot);
  }

  const limit = run.input.parallel ?? rules.parallel;
  const running = new Map<number, Promise<number>>();
  while (waiting.length > 0 || running.size > 0) {
    const cancelled = CancellationScope.current().consideredCancelled;
    while (waiting.length > 0 && running.size < limit && !cancelled) {
      const slot = nextAllowed(waiting, running, calls, policies);
      if (slot === undefined) break;
      waiting.splice(waiting.indexOf(slot), 1);
      running.set(slot, start(slot));
    }
    if (cancelled) for (const slot of waiting.splice(0)) outcomes[slot] = notStarted(calls[slot]!.function.name);
    if (running.size === 0) continue;
    const shown = [...running.keys()].map((slot) => calls[slot]!);
    showTools(run, shown, waiting.length);
    running.delete(await Promise.race(running.values()));
  }
  return outcomes;

  async function start(slot: number): Promise<number> {
    const call = calls[slot]!;
    const planned = plan[slot]!;
    const digest = 'digest' in planned ? planned.digest : '';
    outcomes[slot] = await runTool(run, slot, call, digest, policies[call.function.name]!);
    return slot;
  }
}

/** The first call whose tool has a place; a tool at its own limit lets later calls of other tools go ahead. */
function nextAllowed(
  waiting: readonly number[],
  running: ReadonlyMap<number, unknown>,
  calls: readonly ToolCall[],
  policies: AgentRecord['policies'],
): number | undefined {
  const toolOf = (slot: number) => calls[slot]!.function.name;
  return waiting.find((slot) => {
    const tool = toolOf(slot);
    const limit = policies[tool]?.maxParallel ?? Number.POSITIVE_INFINITY;
    return [...running.keys()].filter((other) => toolOf(other) === tool).length < limit;
  });
}
