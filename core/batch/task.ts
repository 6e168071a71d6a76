// A call may start a task elsewhere, at which other activities look until it is over. The workflow and the read model share this.
import { isNotJson, resultProblem } from '../activityResults.ts';
import { TASK } from '../limits.ts';
import { utf8Length } from '../text.ts';
import type { CallTask, PlannedCall, ToolCallResult, ToolPolicy } from '../types.ts';
import { inputOf } from './input.ts';

/** Returns the task that has asked a person, and continues with the answer. */
export function askedByTask(planned: PlannedCall): CallTask | undefined {
  return inputOf(planned)?.task;
}

/** Returns the task that the activity of a call has started; null if its result is an outcome. */
export function startedTask(result: unknown, policy: ToolPolicy): CallTask | null {
  // A tool on a queue of its own may return anything.
  if (policy.queue !== undefined || isNotJson(result) || resultProblem.tool(result) !== null) return null;
  const { task, needsInput } = result as ToolCallResult;
  if (!task || needsInput || utf8Length(task.state) > TASK.stateBytesMax) return null;
  return task;
}
