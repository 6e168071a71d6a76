// Decisions that were accepted and are not answered yet. While an activity plans an edit's new arguments, other decisions
// about the call wait: the first of them counts if the new arguments are not accepted.
import { inputOf } from '../batch/input.ts';
import type { Decision, RecordedDecision } from '../types.ts';
import type { OpenDecision, Reading } from './reading.ts';
import type { OpenCall } from './turns.ts';

/** Whether new arguments for the call are being planned. */
export function isBeingEdited({ decisions }: Reading, call: OpenCall): boolean {
  return [...decisions.values()].some((open) => open.call === call && open.state === 'editing');
}

/** Makes the decision count, or begins to plan its new arguments. */
export function take({ taskStartedAtMs }: Reading, call: OpenCall, open: OpenDecision): void {
  const isEdit = open.decision.verdict === 'edit';
  if (!isEdit) {
    // The model still reads that a person changed the arguments, before the call asked.
    const edited = open.decision.verdict === 'respond' ? inputOf(call.planned)?.decision?.arguments : undefined;
    const recorded = recordedOf(open.decision as Decision, taskStartedAtMs);
    call.decision = { ...recorded, ...(edited !== undefined && { arguments: edited }) };
  }
  open.state = isEdit ? 'editing' : 'over';
}

/**
 * Ends the edits whose failure the workflow has learned of, and makes the next decision about their calls count. The workflow
 * applies the commands of a task first, so a call that they ended takes no decision.
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
