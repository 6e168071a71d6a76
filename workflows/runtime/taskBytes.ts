// Bytes of a workflow task: its commands travel in one message, which the server takes up to 4 MiB. What finds no room waits
// for the next task.
import { CancellationScope, sleep, workflowInfo } from '@temporalio/workflow';
import { COMMAND_BYTES, TASK_BYTES_MAX } from '../../core/limits.ts';

export class TaskBytes {
  /** The task that bytes were reserved in last: the length of the history grows with each. */
  #task = 0;
  #used = 0;

  /** Reserves room in this task for a command with so much in it; false where there is none left. */
  reserve(contentBytes: number): boolean {
    const task = workflowInfo().historyLength;
    const used = this.#task === task ? this.#used : 0;
    const bytes = used + COMMAND_BYTES + contentBytes;
    if (used > 0 && bytes > TASK_BYTES_MAX) return false;
    this.#task = task;
    this.#used = bytes;
    return true;
  }

  /** Reserves room in this task or in the first one that has some; null where there is nothing to wait for. */
  until(contentBytes: number): Promise<void> | null {
    return this.reserve(contentBytes) ? null : this.#wait(contentBytes);
  }

  async #wait(contentBytes: number): Promise<void> {
    do await nextTask();
    while (!this.reserve(contentBytes));
  }
}

/** Resolves in the next task: a timer is what brings one about. */
export function nextTask(): Promise<void> {
  return CancellationScope.nonCancellable(() => sleep(1));
}
