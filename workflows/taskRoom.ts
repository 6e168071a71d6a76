// Room in a workflow task: its commands travel in one message, which the server takes up to 4 MiB. What finds no room waits
// for the next task.
import { CancellationScope, sleep, workflowInfo } from '@temporalio/workflow';
import { COMMAND_BYTES, TASK_BYTES_MAX } from '../core/limits.ts';
import type { RunState } from './runState.ts';

/** Takes room in the task at hand for a command with so much in it; false where there is none left. */
export function takeRoom(run: RunState, contentBytes: number): boolean {
  // It grows with each task.
  const task = workflowInfo().historyLength;
  const taken = run.live.room.task === task ? run.live.room.bytes : 0;
  const bytes = COMMAND_BYTES + contentBytes;
  if (taken > 0 && taken + bytes > TASK_BYTES_MAX) return false;
  run.live.room = { task, bytes: taken + bytes };
  return true;
}

/** Resolves in the next task: a timer is what brings one about. */
export function nextTask(): Promise<void> {
  return CancellationScope.nonCancellable(() => sleep(1));
}

/** Takes room in this task or in the first one that has some; null where there is nothing to wait for. */
export function roomFor(run: RunState, contentBytes: number): Promise<void> | null {
  return takeRoom(run, contentBytes) ? null : waitForRoom(run, contentBytes);
}

async function waitForRoom(run: RunState, contentBytes: number): Promise<void> {
  do await nextTask();
  while (!takeRoom(run, contentBytes));
}
