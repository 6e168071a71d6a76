// Runs a tool call as an activity, with its outcome as data.
import { type ActivityOptions, scheduleActivity } from '@temporalio/workflow';
import { askedAgain, inputOf } from '../../core/batch/input.ts';
import { completedOutcome, failedOutcome, failedTaskOutcome } from '../../core/batch/outcomes.ts';
import { askedByTask, startedTask } from '../../core/batch/task.ts';
import { QUEUE_WAIT_MS, TASK, TOOL_LOST } from '../../core/limits.ts';
import { callActivityId, cancelActivityId, idempotencyKey } from '../../core/names.ts';
import { callSummary } from '../../core/summary.ts';
import { jsonBytes } from '../../core/text.ts';
import type {
  CallTask,
  InputAnswer,
  Outcome,
  PlannedCall,
  QueuedCallContext,
  ToolCall,
  ToolCallInput,
  ToolPolicy,
} from '../../core/types.ts';
import { CallScope } from '../runtime/callScope.ts';
import type { BatchCall } from '../state/batch.ts';
import type { Run } from '../state/run.ts';
import { failureCause } from './failureCause.ts';
import { neverSent, untilSent } from './unsent.ts';

/** The tool host's own timeout should come before the server's: it is a failure, where the server's is a lost attempt. */
const HOST_FIRST_MS = 5_000;

/**
 * Of an activity that looks at a task, which needs no more than that; the arguments of its call may be large. They are no object, so that
 * a worker that knows no tasks refuses them, and does not run the call again.
 */
const NO_ARGUMENTS = 'null';

/**
 * Starts the call; `settle` receives its outcome, or `ask` its new plan if it needs input first. A failed tool is an outcome, so this
 * does not throw.
 */
export function runTool(
  run: Run,
  slot: number,
  batchCall: BatchCall,
  settle: (outcome: Outcome) => void,
  ask: (planned: PlannedCall) => void,
): CallScope {
  const { tool, planned } = batchCall;
  const call = callToRun(batchCall);
  const { turn } = run.turns;
  const policy = run.agent!.policies[tool]!;
  const input = toolInput(run, slot, batchCall);
  const scope = new CallScope();
  const isUnsent = untilSent();
  const asked = askedByTask(planned);
  if (asked) look(asked);
  else
    scope
      .run(() =>
        scheduleActivity<unknown>(tool, policy.queue === undefined ? [input] : queuedInput(input), {
          ...optionsOf(policy),
          activityId: callActivityId(turn, slot),
          summary: callSummary(call),
        }),
      )
      .then(
        (result) => {
          const task = startedTask(result, policy);
          if (task) look(task);
          else end(result);
        },
        (error) => settle(isUnsent() ? neverSent(tool) : failedOutcome(tool, failureCause(error), policy)),
      );
  return scope;

  function end(result: unknown): void {
    const planned = askedAgain(batchCall, result, policy);
    if (planned) ask(planned);
    else settle(completedOutcome(tool, result, policy));
  }

  /** Looks at a task until it is over. */
  async function look(task: CallTask): Promise<void> {
    const of = { ...input, arguments: NO_ARGUMENTS, task };
    const summary = `${callSummary(call)} (task)`;
    let result: unknown;
    try {
      await run.task.until(jsonBytes(of));
      result = await scope.run(() => scheduleActivity<unknown>(tool, [of], lookOptions(task, summary)));
    } catch (error) {
      const cause = failureCause(error);
      if (cause.source === 'cancelled') await cancelTask(run, slot, batchCall, task);
      settle(failedTaskOutcome(tool, cause, policy, task));
      return;
    }
    end(result);
  }

  function lookOptions({ limitMs }: CallTask, summary: string): ActivityOptions {
    return {
      ...optionsOf(policy),
      activityId: callActivityId(turn, slot),
      summary,
      scheduleToCloseTimeout: limitMs + QUEUE_WAIT_MS,
      retry: {
        initialInterval: TASK.pollMsMin,
        maximumInterval: TASK.failureMsMax,
        maximumAttempts: Math.ceil(limitMs / TASK.pollMsMin) + TOOL_LOST.max,
      },
    };
  }
}

/**
 * Cancels the task of a call, if it can be reached soon. An activity of its own does: one that waits for its next attempt is not told
 * that it is cancelled.
 */
export async function cancelTask(run: Run, slot: number, call: BatchCall, task: CallTask): Promise<void> {
  const input = { ...toolInput(run, slot, call), arguments: NO_ARGUMENTS, task: { ...task, cancel: true as const } };
  const options: ActivityOptions = {
    activityId: cancelActivityId(run.turns.turn, slot),
    summary: `${callSummary(callToRun(call))} (cancels its task)`,
    scheduleToCloseTimeout: TASK.cancelMs,
    retry: { maximumAttempts: 2 },
  };
  await run.task.until(jsonBytes(input));
  await new CallScope().run(() => scheduleActivity<unknown>(call.tool, [input], options)).catch(() => undefined);
}

function toolInput(run: Run, slot: number, batchCall: BatchCall): ToolCallInput {
  const { tool, planned } = batchCall;
  const answer = answerOf(batchCall);
  const decision = answer ? inputOf(planned)?.decision : batchCall.decision;
  const call = callToRun(batchCall);
  const { turn } = run.turns;
  return {
    agent: run.agentName,
    tool,
    turn,
    slot,
    callId: call.id,
    arguments: call.function.arguments,
    idempotencyKey: idempotencyKey(run.workflowId, run.rootRunId, turn, slot, digestOf(batchCall)),
    ...(run.input.context && { context: run.input.context }),
    ...(decision && { decision: { verdict: decision.verdict, by: decision.by, why: decision.why } }),
    ...(answer && { answer }),
  };
}

/** Returns the call with the arguments of its plan, which a guardrail or a person may have changed. */
export function callToRun({ call, planned }: BatchCall): ToolCall {
  if (!('arguments' in planned) || planned.arguments === undefined) return call;
  return { ...call, function: { ...call.function, arguments: planned.arguments } };
}

function digestOf({ planned }: BatchCall): string {
  return inputOf(planned)?.digest ?? ('digest' in planned ? planned.digest : '');
}

/** Returns the answer with which a call that asked for input runs again. */
export function answerOf({ planned, decision }: BatchCall): InputAnswer | undefined {
  const input = inputOf(planned);
  return input && { text: decision?.text ?? '', state: input.state };
}

/** A worker of another language gets the arguments as an object. */
function queuedInput({ tool: _, arguments: text, ...context }: ToolCallInput): [unknown, QueuedCallContext] {
  return [jsonOr(text), context];
}

/** The text itself if somebody completed the plan by hand, and it is not JSON: the tool is what may fail, and not the workflow. */
function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function optionsOf({ timeoutMs, waitMs, heartbeatMs, attempts, backoff, queue }: ToolPolicy): ActivityOptions {
  const common: ActivityOptions = {
    // Instead of schedule-to-close, which would include the queue and could not tell whether the tool had run.
    scheduleToStartTimeout: QUEUE_WAIT_MS,
    // The tool host answers a cancellation at once, even if the tool ignores it, and reports whether it may have happened.
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  };
  const retry = {
    initialInterval: backoff.initialMs,
    backoffCoefficient: backoff.factor,
    maximumInterval: backoff.maxMs,
  };
  if (queue !== undefined)
    return {
      ...common,
      taskQueue: queue,
      startToCloseTimeout: timeoutMs,
      // Only a tool that sends heartbeats has one that is shorter.
      ...(heartbeatMs < timeoutMs && { heartbeatTimeout: heartbeatMs }),
      retry: { ...retry, maximumAttempts: attempts },
    };
  return {
    ...common,
    // The tool host enforces the timeout and the wait.
    startToCloseTimeout: timeoutMs + (waitMs ?? 0) + HOST_FIRST_MS,
    heartbeatTimeout: heartbeatMs,
    retry: {
      ...retry,
      // The tool host ends the call when as many have failed.
      maximumAttempts: attempts === 1 ? 1 : attempts + TOOL_LOST.max,
    },
  };
}
