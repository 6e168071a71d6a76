// One model call: what the activity is sent, and what becomes of its failures.
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  proxyActivities,
  TimeoutFailure,
} from '@temporalio/workflow';
import { FRESH_BYTES_MAX, MODEL_CALL, QUEUE_WAIT_MS } from '../core/limits.ts';
import { FAILURE, modelActivityId } from '../core/names.ts';
import { inWords } from '../core/text.ts';
import type { Message, ModelAnswer, ModelCallInput } from '../core/types.ts';
import { addSpend, lostIn } from '../core/usage.ts';
import { limitsCost } from './budget.ts';
import { showModel } from './details.ts';
import { messageBytes, type RunState } from './runState.ts';
import { causeOf } from './runTool.ts';

interface ModelFailed {
  readonly failed: 'model_failed' | 'refused';
  readonly reason: string;
}

/** A person stopped the model in the middle: the answer is lost, and nothing of it has happened. */
interface Interrupted {
  readonly interrupted: true;
}

export async function askModel(run: RunState): Promise<ModelAnswer | ModelFailed | Interrupted> {
  run.turn += 1;
  showModel(run);
  const input: ModelCallInput = {
    agent: run.agentName,
    turn: run.turn,
    known: run.known,
    length: run.transcript.length,
    fresh: freshMessages(run),
    recorded: run.agent?.digest ?? '',
    ...(run.repairs > 0 && { repairs: run.repairs }),
    ...(limitsCost(run) && { priced: true }),
  };
  const { callModel } = proxyActivities<{ callModel(input: ModelCallInput): Promise<ModelAnswer> }>({
    activityId: modelActivityId(run.turn),
    startToCloseTimeout: MODEL_CALL.timeoutMs,
    scheduleToStartTimeout: QUEUE_WAIT_MS,
    heartbeatTimeout: MODEL_CALL.heartbeatMs,
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
    summary: `turn ${run.turn}`,
    retry: {
      maximumAttempts: MODEL_CALL.attempts,
      initialInterval: MODEL_CALL.backoff.initialMs,
      backoffCoefficient: MODEL_CALL.backoff.factor,
      maximumInterval: MODEL_CALL.backoff.maxMs,
    },
  });
  const scope = new CancellationScope();
  run.live.asking = scope;
  try {
    return await scope.run(() => callModel(input));
  } catch (error) {
    if (error instanceof ActivityFailure) run.spend = addSpend(run.spend, lostIn(causeOf(error)));
    if (run.live.interrupted && !run.live.clock.scope.consideredCancelled) {
      run.live.interrupted = false;
      return { interrupted: true };
    }
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    return modelFailed(error);
  } finally {
    // An interrupt that the answer came before holds for the calls in it.
    run.live.asking = null;
  }
}

/** What the model has not seen yet; null when it is too large for a payload, and the activity must ask for it. */
function freshMessages(run: RunState): readonly Message[] | null {
  const fresh = run.transcript.slice(run.known.length);
  const bytes = fresh.reduce((sum, message) => sum + messageBytes(message), 0);
  return bytes <= FRESH_BYTES_MAX ? fresh : null;
}

function modelFailed({ cause, message }: ActivityFailure): ModelFailed {
  if (cause instanceof ApplicationFailure)
    return { failed: cause.type === FAILURE.refused ? 'refused' : 'model_failed', reason: cause.message };
  if (cause instanceof TimeoutFailure) return { failed: 'model_failed', reason: modelTimeout(cause) };
  return { failed: 'model_failed', reason: cause?.message ?? message };
}

function modelTimeout({ timeoutType }: TimeoutFailure): string {
  switch (timeoutType) {
    case 'HEARTBEAT':
      return `The worker that called the model was lost, ${MODEL_CALL.attempts} times in a row.`;
    case 'SCHEDULE_TO_START':
      return `No worker took the model call for ${inWords(QUEUE_WAIT_MS)}. Start one with "holdfast worker".`;
    default:
      return `The model did not finish its answer within ${inWords(MODEL_CALL.timeoutMs)}.`;
  }
}
