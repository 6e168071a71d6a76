// One model call: what the activity is sent, and what becomes of its failures.
import {
  ActivityFailure,
  type ActivityOptions,
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  proxyActivities,
  TimeoutFailure,
} from '@temporalio/workflow';
import { FRESH_BYTES_MAX, MODEL_CALL, QUEUE_WAIT_MS } from '../core/limits.ts';
import { FAILURE, modelActivityId } from '../core/names.ts';
import { inWords, jsonBytes } from '../core/text.ts';
import type { Message, ModelAnswer, ModelCallInput } from '../core/types.ts';
import { addSpend, lostIn } from '../core/usage.ts';
import { limitsCost } from './budget.ts';
import { mustWeigh } from './carry.ts';
import { showModel } from './details.ts';
import { contextOf, type RunState } from './runState.ts';
import { causeOf } from './runTool.ts';

interface ModelFailed {
  readonly failed: 'model_failed' | 'refused';
  readonly reason: string;
}

/** A person stopped the model in the middle: the answer is lost, and nothing of it has happened. */
interface Interrupted {
  readonly interrupted: true;
}

/** The provider refused the conversation as too long: between turns, room is made in it. */
interface TooLong {
  readonly tooLong: true;
}

/** How activities that ask a model are carried out. */
export const MODEL_ACTIVITY_OPTIONS = {
  startToCloseTimeout: MODEL_CALL.timeoutMs + MODEL_CALL.graceMs,
  scheduleToStartTimeout: QUEUE_WAIT_MS,
  heartbeatTimeout: MODEL_CALL.heartbeatMs,
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry: {
    maximumAttempts: MODEL_CALL.attemptsMax,
    initialInterval: MODEL_CALL.backoff.initialMs,
    backoffCoefficient: MODEL_CALL.backoff.factor,
    maximumInterval: MODEL_CALL.backoff.maxMs,
  },
} as const satisfies ActivityOptions;

export async function askModel(run: RunState): Promise<ModelAnswer | ModelFailed | Interrupted | TooLong> {
  run.turn += 1;
  showModel(run);
  const input: ModelCallInput = {
    ...conversationInput(run),
    recorded: run.agent?.digest ?? '',
    ...(run.repairs > 0 && { repairs: run.repairs }),
    ...(mustWeigh(run) && { weigh: true }),
  };
  const { callModel } = proxyActivities<{ callModel(input: ModelCallInput): Promise<ModelAnswer> }>({
    ...MODEL_ACTIVITY_OPTIONS,
    activityId: modelActivityId(run.turn),
    summary: `turn ${run.turn}`,
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
    return refusedAsTooLong(run, error) ? { tooLong: true } : modelFailed(error);
  } finally {
    // An interrupt that the answer came before holds for the calls in it.
    run.live.asking = null;
  }
}

/** Whether room is to be made for another try: once, since the same would come of it again. */
function refusedAsTooLong(run: RunState, { cause }: ActivityFailure): boolean {
  if (!(cause instanceof ApplicationFailure) || cause.type !== FAILURE.contextExceeded) return false;
  const context = contextOf(run);
  // Of a conversation without an answer there is nothing that could go.
  if (run.agent === null || context.refused?.turn === run.turn - 1) return false;
  run.context = { ...context, refused: { turn: run.turn, refusal: cause.message } };
  // A turn that the model did not take is none of those that the agent may have.
  run.turnsBefore += 1;
  return true;
}

/** What every activity that asks a model is sent of the run. */
export function conversationInput(run: RunState) {
  return {
    agent: run.agentName,
    turn: run.turn,
    known: run.known,
    length: run.transcript.length,
    fresh: freshMessages(run),
    ...(limitsCost(run) && { priced: true }),
  };
}

/** What the model has not seen yet; null when it is too large for a payload, and the activity must ask for it. */
function freshMessages(run: RunState): readonly Message[] | null {
  const fresh = run.transcript.slice(run.known.length);
  const bytes = fresh.reduce((sum, message) => sum + jsonBytes(message), 0);
  return bytes <= FRESH_BYTES_MAX ? fresh : null;
}

function modelFailed(failure: ActivityFailure): ModelFailed {
  const { cause } = failure;
  const isRefused = cause instanceof ApplicationFailure && cause.type === FAILURE.refused;
  return { failed: isRefused ? 'refused' : 'model_failed', reason: whyModelFailed(failure) };
}

export function whyModelFailed({ cause, message }: ActivityFailure): string {
  return cause instanceof TimeoutFailure ? modelTimeout(cause) : (cause?.message ?? message);
}

function modelTimeout({ timeoutType }: TimeoutFailure): string {
  switch (timeoutType) {
    case 'HEARTBEAT':
      return `The worker that called the model was lost, in the last of ${MODEL_CALL.attemptsMax} attempts.`;
    case 'SCHEDULE_TO_START':
      return `No worker took the model call for ${inWords(QUEUE_WAIT_MS)}. Start one with "holdfast worker".`;
    default:
      return `The model did not finish its answer within ${inWords(MODEL_CALL.timeoutMs)}.`;
  }
}
