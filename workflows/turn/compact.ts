// Compacts the transcript before it outgrows the context window. A compaction takes place between turns and is not a turn itself.
import { ActivityFailure, CancellationScope, isCancellation, scheduleActivity } from '@temporalio/workflow';
import { resultProblem } from '../../core/activityResults.ts';
import { COMPACT_ACTIVITY, compactActivityId } from '../../core/names.ts';
import { reason } from '../../core/reasons/reason.ts';
import type { CompactAnswer, CompactInput } from '../../core/types.ts';
import { lostIn, spendOfCompaction } from '../../core/usage.ts';
import { isNearlyFull } from '../ending/continueAsNew.ts';
import { showCompaction } from '../people/details.ts';
import { endInterrupted } from '../people/replies.ts';
import type { Run } from '../state/run.ts';
import { failureCause } from './failureCause.ts';
import { conversationInput, MODEL_ACTIVITY_OPTIONS, whyModelFailed } from './modelActivity.ts';
import { pauseIn, waitOut } from './outage.ts';

/** Whether to compact before the next model call. At most once between two answers. */
export function mustCompact(run: Run): boolean {
  const { conversation, turns, agent } = run;
  if (agent === null || conversation.compactedAt === turns.turn) return false;
  const { compactAt, compacts } = agent.rules;
  if (conversation.refused?.turn === turns.turn) return true;
  if (compactAt !== undefined && conversation.tokens >= compactAt) return true;
  return compacts === true && !conversation.isCompactionIneffective && isNearlyFull(run);
}

/** If it fails or is interrupted, the transcript stays unchanged. */
export async function compact(run: Run): Promise<void> {
  const { conversation, turns, control } = run;
  const number = conversation.beginCompaction();
  showCompaction(run);
  const { turn, refusal } = conversation.refused ?? {};
  const input: CompactInput = {
    ...conversationInput(run),
    recorded: run.agent?.digest ?? '',
    tokens: conversation.tokens,
    taken: conversation.tokensSeen,
    ...(turn === turns.turn && { refusal }),
  };
  const scope = new CancellationScope();
  const askedAtMs = Date.now();
  run.enter({ is: 'calling_model', scope });
  try {
    const options = {
      ...MODEL_ACTIVITY_OPTIONS,
      activityId: compactActivityId(number),
      summary: `compaction after turn ${turns.turn}`,
    };
    const answer = await scope.run(() => scheduleActivity<CompactAnswer>(COMPACT_ACTIVITY, [input], options));
    const problem = resultProblem.compaction(answer);
    if (problem === null) recordCompaction(run, answer);
    else failed(run, problem);
    // It ended before the interrupt could abort it: the interrupt applies to what would follow.
    if (control.takeInterrupt()) endInterrupted(run);
  } catch (error) {
    if (error instanceof ActivityFailure) run.tally.addSpend(lostIn(failureCause(error)));
    if (!run.clock.isCancelled && control.takeInterrupt()) return endInterrupted(run);
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    const pause = pauseIn(run, error, askedAtMs);
    if (pause) return await waitOut(run, pause);
    // The model may still accept the transcript; if it does not, its own error is the better reason.
    failed(run, whyModelFailed(run, error).text);
  } finally {
    control.takeInterrupt();
    run.enter({ is: 'running' });
  }
}

function failed({ conversation, turns, tally }: Run, why: string): void {
  conversation.compactionFailed(turns.turn);
  tally.warn(reason('compaction_failed', { why }));
}

function recordCompaction(run: Run, answer: CompactAnswer): void {
  run.conversation.recordCompaction(answer, run.turns.turn);
  if (isNearlyFull(run)) run.conversation.markCompactionIneffective();
  run.tally.addUsage(answer.usage);
  run.tally.addSpend(spendOfCompaction(answer));
  if (answer.warning) run.tally.warn(answer.warning);
}
