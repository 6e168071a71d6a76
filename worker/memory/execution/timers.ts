// The timers that an execution has under way.
import { tsToMs } from '@temporalio/common/lib/time.js';
import type { coresdk } from '@temporalio/proto';
import type { WaitKind } from '../clock.ts';
import { IDENTITY, type Owner, type TaskRef } from './owner.ts';
import type { Command } from './taskCommands.ts';

interface Timer {
  readonly startedEventId: number;
  stop(): void;
}

export class Timers {
  readonly #owner: Owner;
  readonly #pending = new Map<number, Timer>();

  constructor(owner: Owner) {
    this.#owner = owner;
  }

  start(
    { seq, startToFireTimeout }: coresdk.workflow_commands.IStartTimer,
    task: TaskRef,
    userMetadata: Command['userMetadata'],
    kind: WaitKind,
  ): void {
    const timerId = String(seq);
    const startedEventId = this.#owner.history.add(
      'timerStartedEventAttributes',
      { ...task, timerId, startToFireTimeout },
      userMetadata,
    );
    const { clock } = this.#owner.host;
    const stop = clock.at(
      clock.nowMs() + tsToMs(startToFireTimeout),
      () =>
        this.#owner.happen(() => {
          if (!this.#pending.delete(seq!)) return;
          this.#owner.history.add('timerFiredEventAttributes', { timerId, startedEventId });
          this.#owner.give({ fireTimer: { seq: seq! } });
        }),
      kind,
    );
    this.#pending.set(seq!, { startedEventId, stop });
  }

  cancel(seq: number, task: TaskRef): void {
    const timer = this.#pending.get(seq);
    if (!timer) return;
    timer.stop();
    this.#pending.delete(seq);
    this.#owner.history.add('timerCanceledEventAttributes', {
      ...task,
      timerId: String(seq),
      startedEventId: timer.startedEventId,
      identity: IDENTITY,
    });
  }

  stop(): void {
    for (const timer of this.#pending.values()) timer.stop();
  }
}
