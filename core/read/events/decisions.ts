// Decisions about pending calls: accepted by one event and answered by another. Only an edit is decided between the two, since
// its arguments are planned first; all others count when they are accepted.
import type { Decision, PlannedCall, RecordedDecision } from '../../types.ts';
import { recordedOf, take } from '../openDecisions.ts';
import { callAt, type OpenDecision, type Reading } from '../reading.ts';
import type { RunEvent } from '../run.ts';

export function decisionAccepted(reading: Reading, id: number, decision: Partial<Decision>): RunEvent[] {
  const call = callAt(reading, decision.call);
  const open: OpenDecision = { decision, call, state: 'waiting' };
  // Until the workflow has learned that an edit failed, whoever decides is second.
  const isEdited = [...reading.decisions.values()].some(
    (other) => other.call === call && (other.state === 'editing' || other.state === 'failed'),
  );
  if (call && !call.decision && !call.outcome && !isEdited && decision.verdict !== undefined) take(reading, call, open);
  reading.decisions.set(id, open);
  return [];
}

/** The new arguments of a call are planned: as `planned`, or null where that failed. */
export function editPlanned(reading: Reading, place: string, planned: PlannedCall | null): RunEvent[] {
  const call = callAt(reading, place);
  const open = [...reading.decisions.values()].find((one) => one.call === call && one.state === 'editing');
  if (!call || !open) return [];
  if (!planned || 'problem' in planned || call.outcome) {
    open.state = 'failed';
    return [];
  }
  const decision = open.decision as Decision;
  const ran = planned.arguments ?? decision.arguments ?? '';
  open.state = 'over';
  call.planned = { ...planned, arguments: ran };
  call.decision = { ...recordedOf(decision, reading.taskStartedAtMs), arguments: ran };
  return [];
}

/** `decision` is the one that counts; undefined where none could be made. */
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
  return [{ type: 'decided', atMs, decision }];
}
