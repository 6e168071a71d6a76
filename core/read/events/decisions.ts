// Reads decisions about pending calls: one event accepts a decision, another has its result. A decision counts once it is
// accepted, except an edit, whose arguments are planned first.
import { guardCall } from '../../batch/effects.ts';
import { deciderProblem, decidersOf } from '../../deciders.ts';
import type { AllowedCall, Decision, PlannedCall, RecordedDecision } from '../../types.ts';
import { recordedOf, take } from '../openDecisions.ts';
import { callAt, guardIn, type OpenDecision, type Reading } from '../reading.ts';
import type { RunEvent } from '../run.ts';

export function decisionAccepted(reading: Reading, id: number, decision: Partial<Decision>): RunEvent[] {
  const call = callAt(reading, decision.call);
  const open: OpenDecision = { decision, call, state: 'waiting' };
  // No other decision counts until the workflow has learned that an edit failed.
  const isEdited = [...reading.decisions.values()].some(
    (other) => other.call === call && (other.state === 'editing' || other.state === 'failed'),
  );
  if (call && !call.decision && !call.outcome && !isEdited && decision.verdict !== undefined) take(reading, call, open);
  reading.decisions.set(id, open);
  return [];
}

/** The new arguments of a call are planned; `planned` is null if that failed. */
export function editPlanned(reading: Reading, callId: string, planned: PlannedCall | null): RunEvent[] {
  const call = callAt(reading, callId);
  const open = [...reading.decisions.values()].find((one) => one.call === call && one.state === 'editing');
  if (!call || !open) return [];
  const decision = open.decision as Decision;
  if (!planned || 'problem' in planned || call.outcome || isForOthers(reading, planned, decision)) {
    open.state = 'failed';
    return [];
  }
  const ran = planned.arguments ?? decision.arguments ?? '';
  open.state = 'over';
  call.planned = guardCall({ ...planned, arguments: ran }, call.tool, reading.agent, guardIn(reading));
  call.decision = { ...recordedOf(decision, reading.taskStartedAtMs), arguments: ran };
  return [];
}

/** With its new arguments, the call may be for others to decide about. */
function isForOthers({ run }: Reading, { ask }: AllowedCall, decision: Decision): boolean {
  return deciderProblem({ call: decision.call, ...decidersOf(ask, run.startedBy ?? null) }, decision) !== null;
}

/** `decision` is the one that counts; undefined if the run refused it. */
export function decided(
  reading: Reading,
  id: number,
  decision: RecordedDecision | undefined,
  atMs: number,
): RunEvent[] {
  const open = reading.decisions.get(id);
  reading.decisions.delete(id);
  if (!open?.call || !decision) return [];
  open.call.decision = decision;
  return [{ type: 'decision', atMs, decision }];
}
