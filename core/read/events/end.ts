// Reads the end of a run: its status and result, and the calls that it left open.
import { abandonedOutcome, notRun } from '../../batch/outcomes.ts';
import { batchWarning } from '../../batch/report.ts';
import { WARNINGS_MAX } from '../../limits.ts';
import type { Reason } from '../../reasons/codes.ts';
import { reason, reasonFields } from '../../reasons/reason.ts';
import type { Outcome } from '../../types.ts';
import { settleByKernel } from '../batchView.ts';
import { endOf } from '../ends.ts';
import type { HistoryEvent } from '../history.ts';
import type { Reading } from '../reading.ts';
import type { RunEvent } from '../run.ts';
import { spendOf } from '../spend.ts';
import { type OpenCall, type OpenTurn, settle } from '../turns.ts';

export function closed(reading: Reading, event: HistoryEvent, atMs: number): RunEvent[] {
  const end = endOf(event);
  if (!end) return [];
  const { run, turns, compactions, warningsBefore, spendAtEnd } = reading;
  const { status, result, reason: why } = end;
  // The run stops by itself when its history is full; for its calls, that is a stop like any other.
  if (why?.code === 'history_full') reading.stopped = true;
  // A run that was ended from outside settles nothing more.
  const settled = result || status === 'cancelled' ? settleByKernel(reading, atMs) : [];
  run.status = status;
  run.endedAtMs = atMs;
  run.paused = null;
  Object.assign(run, reasonFields(why));
  if (result) run.output = result.output;
  if (result?.value !== undefined) run.value = result.value;
  run.spend = result?.spend ?? spendAtEnd ?? { ...spendOf(reading, turns), activeMs: atMs - run.startedAtMs };
  for (const compaction of compactions) compaction.endedAtMs ??= atMs;
  const left = turns.flatMap(({ calls }) => calls).filter(({ outcome }) => outcome === null);
  const leftOver = left.map((call) => settle(call, leftAtTheEnd(reading, call), atMs));
  run.warnings =
    result?.warnings ??
    [...warningsBefore, ...turns.flatMap((turn) => warningsOf(reading, turn))].slice(0, WARNINGS_MAX);
  return [...settled, ...leftOver, { type: 'ended', atMs, status, output: run.output, ...reasonFields(why) }];
}

/** Returns the outcome of a call that was open when its run ended. */
function leftAtTheEnd({ agent }: Reading, { tool, scheduledAtMs }: OpenCall): Outcome {
  const policy = scheduledAtMs === null ? undefined : agent?.policies[tool];
  return policy ? abandonedOutcome(tool, policy) : notRun(tool, 'cancelled', reason('run_ended_first'));
}

function warningsOf({ compactions }: Reading, { turn, answer, calls }: OpenTurn): Reason[] {
  const failed = batchWarning(
    turn,
    calls.flatMap(({ outcome }) => outcome ?? []),
  );
  const after = compactions.filter((compaction) => compaction.turn === turn);
  const warnings = [answer?.warning ?? null, failed, ...after.map(({ warning }) => warning)];
  return warnings.filter((warning) => warning !== null);
}
