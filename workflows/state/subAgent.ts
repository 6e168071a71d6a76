// A running sub-agent: its last report, and the commands that it was sent.
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

  /** Nothing runs in it, and it waits for people. */
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

  send(command: ParentCommand): void {
    if (command.command === 'stop') this.#isStopped = true;
    else this.#isPaused = command.command === 'pause';
    void this.#send?.(command);
  }
}
