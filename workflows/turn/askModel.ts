// One model call, and what becomes of its failures.
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  scheduleActivity,
} from '@temporalio/workflow';
import { FAILURE, MODEL_ACTIVITY, modelActivityId } from '../../core/names.ts';
import type { Reason } from '../../core/reasons/codes.ts';
import type { ModelAnswer, ModelCallInput } from '../../core/types.ts';
import { lostIn } from '../../core/usage.ts';
import { mustWeigh } from '../ending/continueAsNew.ts';
import { showModel } from '../people/details.ts';
import type { Run } from '../state/run.ts';
import { failureCause } from './failureCause.ts';
import { conversationInput, isModelRefusal, MODEL_ACTIVITY_OPTIONS, whyModelFailed } from './modelActivity.ts';

type Asked =
  | { readonly kind: 'answered'; readonly answer: ModelAnswer }
  | { readonly kind: 'failed'; readonly status: 'model_failed' | 'refused'; readonly reason: Reason }
  /** A person interrupted the model: the answer is lost, and nothing of it has happened. */
  | { readonly kind: 'interrupted' }
  /** The provider refused the conversation as too long: it is compacted before the next try. */
  | { readonly kind: 'too_long' };

export async function askModel(run: Run): Promise<Asked> {
  run.turns.begin();
  showModel(run);
  const { turn, repairs } = run.turns;
  const input: ModelCallInput = {
    ...conversationInput(run),
    recorded: run.agent?.digest ?? '',
    ...(repairs > 0 && { repairs }),
    ...(mustWeigh(run) && { weigh: true }),
  };
  const scope = new CancellationScope();
  run.enter({ is: 'asking', scope });
  try {
    const options = { ...MODEL_ACTIVITY_OPTIONS, activityId: modelActivityId(turn), summary: `turn ${turn}` };
    const answer = await scope.run(() => scheduleActivity<ModelAnswer>(MODEL_ACTIVITY, [input], options));
    return { kind: 'answered', answer };
  } catch (error) {
    if (error instanceof ActivityFailure) run.tally.addSpend(lostIn(failureCause(error)));
    if (!run.clock.isCancelled && run.control.takeInterrupt()) return { kind: 'interrupted' };
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    if (isRefusedAsTooLong(run, error)) return { kind: 'too_long' };
    const status = isModelRefusal(error) ? 'refused' : 'model_failed';
    return { kind: 'failed', status, reason: whyModelFailed(error) };
  } finally {
    // An interrupt that the answer came before holds for the calls in it.
    run.enter({ is: 'running' });
  }
}

/** Whether to compact and try again: once, since the same would come of it a second time. */
function isRefusedAsTooLong(run: Run, { cause }: ActivityFailure): boolean {
  if (!(cause instanceof ApplicationFailure) || cause.type !== FAILURE.contextExceeded) return false;
  const { turn } = run.turns;
  // Of a conversation without an answer there is nothing that could go.
  if (run.agent === null || run.conversation.refused?.turn === turn - 1) return false;
  run.conversation.refusedAsTooLong(turn, cause.message);
  run.turns.uncount();
  return true;
}
