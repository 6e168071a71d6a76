// Limits the bytes of a workflow task: its workflow commands are one message, which may have 4 MiB. What does not fit waits for
// the next task.
import { CancellationScope, sleep, workflowInfo } from '@temporalio/workflow';
import { COMMAND_BYTES, TASK_BYTES_MAX } from '../../core/limits.ts';

export class TaskBytes {
  /** The task of the last reservation, identified by the length of the history, which grows with each task. */
  #task = 0;
  #used = 0;

  /** Reserves bytes for a workflow command in this task; returns false if they do not fit. */
  reserve(contentBytes: number): boolean {
    const task = workflowInfo().historyLength;
    const used = this.#task === task ? this.#used : 0;
    const bytes = used + COMMAND_BYTES + contentBytes;
    if (used > 0 && bytes > TASK_BYTES_MAX) return false;
    this.#task = task;
    this.#used = bytes;
    return true;
  }

  /** Reserves bytes in this task, and returns null; or resolves once they are reserved in a later one. */
  until(contentBytes: number): Promise<void> | null {
    return this.reserve(contentBytes) ? null : this.#wait(contentBytes);
  }

  async #wait(contentBytes: number): Promise<void> {
    do await nextTask();
    while (!this.reserve(contentBytes));
  }
}

/** Resolves in the next task, which a timer causes. */
export function nextTask(): Promise<void> {
  return CancellationScope.nonCancellable(() => sleep(1));
}
