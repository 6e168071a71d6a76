// Decisions about calls that wait: taken by one event, and carried out by another, since an edit is planned between.
import { callActivityId, parseActivityId } from '../../names.ts';
import { refused, rejection } from '../../toolFailure.ts';
import type { Decision, StandingDecision } from '../../types.ts';
import { callAt, type Reading } from '../reading.ts';
import type { RunEvent } from '../run.ts';
import { type OpenCall, settle } from '../turns.ts';

export function decisionTaken({ decisions }: Reading, id: number, { call, verdict }: Partial<Decision>): RunEvent[] {
  const place = parseActivityId(call ?? '');
  decisions.set(id, verdict === 'edit' && place ? callActivityId(place.turn, place.slot ?? 0) : null);
  return [];
}

/** `decision` is the one that counts; undefined where none could be made. */
export function decided(
  reading: Reading,
  id: number,
  decision: StandingDecision | undefined,
  atMs: number,
): RunEvent[] {
  if (!reading.decisions.delete(id) || !decision) return [];
  const call = callAt(reading, decision.call);
  if (!call) return [];
  call.decision = decision;
  return [{ type: 'decided', atMs, decision }, ...settledByDecision(call, decision, atMs)];
}

function settledByDecision(call: OpenCall, decision: StandingDecision, atMs: number): RunEvent[] {
  const { tool } = call;
  switch (decision.verdict) {
    case 'reject':
      return [settle(call, refused(tool, { kind: 'rejected', error: rejection(decision) }), atMs)];
    case 'respond':
      return [settle(call, { ok: true, tool, text: decision.text ?? '' }, atMs)];
    default:
      return [];
  }
}
