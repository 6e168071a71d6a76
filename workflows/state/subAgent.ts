// A sub-agent in flight: what it has reported, and what it was told.
import type { ChildView } from '../../core/batch/view.ts';
import type { ParentCommand } from '../messages.ts';
import type { SendLatest } from '../runtime/sendLatest.ts';

export class SubAgent implements ChildView {
  readonly workflowId: string;
  #isWaiting = false;
  #isPaused = false;
  #isStopped = false;
  /** null until it has started. */
  #send: SendLatest<ParentCommand> | null = null;

  constructor(workflowId: string) {
    this.workflowId = workflowId;
  }

  /** Nothing runs in it: it waits for people. */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  get isStarted(): boolean {
    return this.#send !== null;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  started(send: SendLatest<ParentCommand>): void {
    this.#send = send;
  }

  reportWaiting(isWaiting: boolean): void {
    this.#isWaiting = isWaiting;
  }

  tell(command: ParentCommand): void {
    if (command.command === 'stop') this.#isStopped = true;
    else this.#isPaused = command.command === 'pause';
    void this.#send?.(command);
  }
}
