// Decisions about pending calls: accepted by one event and answered by another. Only an edit is decided between the two, since
// its arguments are planned first; all others count when they are accepted.
import { callActivityId, parseActivityId } from '../../names.ts';
import type { Decision, PlannedCall, RecordedDecision } from '../../types.ts';
import { isBeingEdited } from '../batchView.ts';
import { callAt, type Reading } from '../reading.ts';
import type { RunEvent } from '../run.ts';
import { type OpenCall, placeOf } from '../turns.ts';

export function decisionAccepted(reading: Reading, id: number, decision: Partial<Decision>): RunEvent[] {
  const { call: named = '' } = decision;
  const call = callAt(reading, named);
  const isEdit = decision.verdict === 'edit';
  const isTaken = call !== undefined && isPlain(decision) && !call.decision && !isBeingEdited(reading, call);
  if (isTaken) call.decision = standingOf(decision as Decision, reading.taskStartedAtMs);
  reading.decisions.set(id, { decision, editing: isEdit && call ? placeOf(call) : null, isTaken });
  return [];
}

/** The new arguments of a call are planned: as `planned`, or null where that failed. */
export function editPlanned(reading: Reading, place: string, planned: PlannedCall | null): RunEvent[] {
  const open = [...reading.decisions.values()].find(({ editing }) => editing === place);
  const call = callAt(reading, place);
  if (!open || !call) return [];
  open.editing = null;
  if (!planned || 'problem' in planned || call.outcome) {
    takeWaiting(reading, call);
    return [];
  }
  const decision = open.decision as Decision;
  const ran = planned.arguments ?? decision.arguments ?? '';
  open.isTaken = true;
  call.planned = { ...planned, arguments: ran };
  call.decision = { ...standingOf(decision, reading.taskStartedAtMs), arguments: ran };
  return [];
}

/** Whoever decided while the new arguments were planned was second, and is first where those were not accepted. */
function takeWaiting(reading: Reading, call: OpenCall): void {
  if (call.decision || call.outcome || isBeingEdited(reading, call)) return;
  const place = placeOf(call);
  const waiting = [...reading.decisions.values()].find(
    ({ decision }) => placeIn(decision) === place && isPlain(decision),
  );
  if (!waiting) return;
  waiting.isTaken = true;
  call.decision = standingOf(waiting.decision as Decision, reading.taskStartedAtMs);
}

function placeIn({ call = '' }: Partial<Decision>): string | null {
  const place = parseActivityId(call);
  return place && callActivityId(place.turn, place.slot ?? 0);
}

function isPlain({ verdict }: Partial<Decision>): boolean {
  return verdict !== undefined && verdict !== 'edit';
}

function standingOf({ call, verdict, by, why, text }: Decision, atMs: number): RecordedDecision {
  return { call, verdict, by: by ?? null, why: why ?? null, atMs, ...(verdict === 'respond' && { text: text ?? '' }) };
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
  const call = callAt(reading, open?.decision.call);
  if (!open || !call) return [];
  // An edit that was planned may be refused all the same: its call was over by then.
  if (!decision) {
    if (open.isTaken && call.outcome === null) call.decision = null;
    return [];
  }
  call.decision = decision;
  return [{ type: 'decided', atMs, decision }];
}
