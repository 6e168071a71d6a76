// Decisions that people have made and that have no answer yet. New arguments take their time to be planned: whoever decides
// meanwhile is second, and first where those arguments are not accepted.
import type { Decision, RecordedDecision } from '../types.ts';
import type { OpenDecision, Reading } from './reading.ts';
import type { OpenCall } from './turns.ts';

/** New arguments of a person are being planned for it. */
export function isBeingEdited({ decisions }: Reading, call: OpenCall): boolean {
  return [...decisions.values()].some((open) => open.call === call && open.state === 'editing');
}

/** The decision counts, or the planning of its new arguments begins. */
export function take({ taskStartedAtMs }: Reading, call: OpenCall, open: OpenDecision): void {
  const isEdit = open.decision.verdict === 'edit';
  if (!isEdit) call.decision = recordedOf(open.decision as Decision, taskStartedAtMs);
  open.state = isEdit ? 'editing' : 'over';
}

/**
 * What is due when the workflow has learned of edits that failed. It has taken in the commands of its task before, so that
 * it accepts no decision about a call that they have ended.
 */
export function endFailedEdits(reading: Reading): void {
  for (const open of reading.decisions.values()) {
    if (open.state !== 'failed') continue;
    open.state = 'over';
    if (open.call) takeNext(reading, open.call);
  }
}

function takeNext(reading: Reading, call: OpenCall): void {
  if (call.decision || call.outcome || call.isCancelled || reading.stopped) return;
  const next = [...reading.decisions.values()].find((open) => open.call === call && open.state === 'waiting');
  if (next) take(reading, call, next);
}

export function recordedOf({ call, verdict, by, why, text }: Decision, atMs: number): RecordedDecision {
  return { call, verdict, by: by ?? null, why: why ?? null, atMs, ...(verdict === 'respond' && { text: text ?? '' }) };
}
