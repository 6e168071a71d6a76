// The end of a run: how it ended, what it left unfinished, and what it says of itself.

import { batchWarning } from '../../failures.ts';
import { WARNINGS_MAX } from '../../limits.ts';
import { failedOutcome } from '../../toolFailure.ts';
import type { Outcome } from '../../types.ts';
import { endOf } from '../ends.ts';
import type { HistoryEvent } from '../history.ts';
import type { Reading } from '../reading.ts';
import type { RunEvent } from '../run.ts';
import { keptFromStarting, settledByNow } from '../settled.ts';
import { spendOf } from '../spend.ts';
import { type OpenCall, type OpenTurn, settleAll } from '../turns.ts';

export function closed(reading: Reading, event: HistoryEvent, atMs: number): RunEvent[] {
  const end = endOf(event);
  if (!end) return [];
  const { run, turns, compactions, warningsBefore, spendAtEnd } = reading;
  const { status, result, reason } = end;
  // A run that was ended from outside has settled nothing more.
  const settled = result ? settledByNow(reading, atMs) : [];
  run.status = status;
  run.endedAtMs = atMs;
  run.paused = null;
  run.reason = reason;
  run.output = result?.output ?? run.output;
  if (result?.value !== undefined) run.value = result.value;
  run.spend = result?.spend ?? spendAtEnd ?? { ...spendOf(reading, turns), activeMs: atMs - run.startedAtMs };
  for (const compaction of compactions) compaction.endedAtMs ??= atMs;
  const left = turns.flatMap(({ calls }) => calls).filter(({ ok }) => ok === null);
  const leftOver = settleAll(left, (call) => leftAtTheEnd(reading, call), atMs);
  run.warnings =
    result?.warnings ??
    [...warningsBefore, ...turns.flatMap((turn) => warningsOf(reading, turn))].slice(0, WARNINGS_MAX);
  return [...settled, ...leftOver, { type: 'ended', atMs, status, output: run.output, reason }];
}

/** What is known of a call that the run's end came before. */
function leftAtTheEnd(reading: Reading, call: OpenCall): Outcome {
  const policy = call.scheduledAtMs === null ? undefined : reading.agent?.policies[call.tool];
  if (!policy) return keptFromStarting(reading, call);
  return failedOutcome(call.tool, { source: 'other', message: 'the run ended while it was under way' }, policy);
}

function warningsOf({ compactions }: Reading, { turn, calls }: OpenTurn): string[] {
  const failed = batchWarning(
    turn,
    calls.flatMap(({ outcome }) => outcome ?? []),
  );
  const after = compactions.filter((compaction) => compaction.turn === turn);
  return [failed, ...after.map(({ warning }) => warning)].filter((warning) => warning !== null);
}
