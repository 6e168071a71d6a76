// One model call, with its failures as data.
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  scheduleActivity,
} from '@temporalio/workflow';
import { resultProblem } from '../../core/activityResults.ts';
import { FAILURE, MODEL_ACTIVITY, modelActivityId } from '../../core/names.ts';
import type { Reason } from '../../core/reasons/codes.ts';
import { reason } from '../../core/reasons/reason.ts';
import type { ModelAnswer, ModelCallInput } from '../../core/types.ts';
import { lostIn } from '../../core/usage.ts';
import { mustWeigh } from '../ending/continueAsNew.ts';
import { showModel } from '../people/details.ts';
import type { Run } from '../state/run.ts';
import { failureCause } from './failureCause.ts';
import { conversationInput, isModelRefusal, MODEL_ACTIVITY_OPTIONS, whyModelFailed } from './modelActivity.ts';
import { type Pause, pauseIn } from './outage.ts';

type Asked =
  | { readonly kind: 'answered'; readonly answer: ModelAnswer }
  | { readonly kind: 'failed'; readonly status: 'model_failed' | 'refused'; readonly reason: Reason }
  /** A person interrupted the model: its answer is discarded. */
  | { readonly kind: 'interrupted' }
  /** The model is unavailable: it is called again for this turn after the pause. */
  | { readonly kind: 'unavailable'; readonly pause: Pause }
  /** The provider refused the transcript as too long: it is compacted before the model is called again. */
  | { readonly kind: 'too_long' };

export async function askModel(run: Run): Promise<Asked> {
  run.turns.begin();
  showModel(run);
  const { turn, repairs } = run.turns;
  const askedAtMs = Date.now();
  const input: ModelCallInput = {
    ...conversationInput(run),
    recorded: run.agent?.digest ?? '',
    ...(repairs > 0 && { repairs }),
    ...(mustWeigh(run) && { weigh: true }),
    ...(run.conversation.request && { request: run.conversation.request }),
  };
  const scope = new CancellationScope();
  run.enter({ is: 'calling_model', scope });
  try {
    const options = { ...MODEL_ACTIVITY_OPTIONS, activityId: modelActivityId(turn), summary: `turn ${turn}` };
    const answer = await scope.run(() => scheduleActivity<ModelAnswer>(MODEL_ACTIVITY, [input], options));
    run.turns.endOutage();
    const problem = resultProblem.model(answer);
    if (problem !== null)
      return { kind: 'failed', status: 'model_failed', reason: reason('model_error', { message: problem }) };
    return { kind: 'answered', answer };
  } catch (error) {
    if (error instanceof ActivityFailure) run.tally.addSpend(lostIn(failureCause(error)));
    if (!run.clock.isCancelled && run.control.takeInterrupt()) return { kind: 'interrupted' };
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    if (isRefusedAsTooLong(run, error)) return { kind: 'too_long' };
    const pause = pauseIn(run, error, askedAtMs);
    if (pause) {
      run.turns.retract();
      return { kind: 'unavailable', pause };
    }
    const status = isModelRefusal(error) ? 'refused' : 'model_failed';
    return { kind: 'failed', status, reason: whyModelFailed(run, error) };
  } finally {
    // An interrupt that arrives after the answer applies to its calls.
    run.enter({ is: 'running' });
  }
}

/** Whether to compact and call again. Only once: a second refusal would have the same cause. */
function isRefusedAsTooLong(run: Run, { cause }: ActivityFailure): boolean {
  if (!(cause instanceof ApplicationFailure) || cause.type !== FAILURE.contextExceeded) return false;
  const { turn } = run.turns;
  // A transcript without an answer has nothing to compact.
  if (run.agent === null || run.conversation.refused?.turn === turn - 1) return false;
  run.conversation.refusedAsTooLong(turn, cause.message);
  run.turns.uncount();
  return true;
}
