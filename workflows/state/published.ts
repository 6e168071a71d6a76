// What others are told of a run, and what they know already: its parent by signals, lists and inboxes by its memo and search
// attributes. Each is told only what is new to it.
import { getExternalWorkflowHandle, upsertMemo, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { PublishedState } from '../../core/carriedState.ts';
import { ERROR_CHARS_MAX } from '../../core/limits.ts';
import { ATTRIBUTE, MEMO } from '../../core/names.ts';
import { cutText } from '../../core/text.ts';
import type { AgentRecord, Reply, RunResult, Spend, Waits } from '../../core/types.ts';
import { type ChildReport, fromChildSignal } from '../messages.ts';
import { type SendLatest, sendLatest } from '../runtime/sendLatest.ts';

export class Published {
  readonly #agent: string;
  #waiting: boolean;
  #waits: Waits | null;
  #sendReport: SendLatest<ChildReport> | null = null;
  /** Resolves when the parent has been sent everything. */
  #reporting: Promise<void> = Promise.resolve();

  /** `agent`: the one that the run was started as. */
  constructor(agent: string, { waiting, waits }: PublishedState) {
    this.#agent = agent;
    this.#waiting = waiting;
    this.#waits = waits;
  }

  get reporting(): Promise<void> {
    return this.#reporting;
  }

  /** Reports to the parent what was spent, and whether only people are waited for. */
  report(spend: Spend, isWaiting = false): void {
    const { parent, workflowId } = workflowInfo();
    if (!parent) return;
    this.#waiting = isWaiting;
    this.#sendReport ??= sendLatest((report) =>
      getExternalWorkflowHandle(parent.workflowId).signal(fromChildSignal, report),
    );
    this.#reporting = this.#sendReport({ child: workflowId, spend, waiting: isWaiting });
  }

  /** A parent does not count time in which all its sub-agents wait for people. */
  reportWaiting(isWaiting: boolean, spend: () => Spend): void {
    if (this.#waiting !== isWaiting) this.report(spend(), isWaiting);
  }

  /** Writes what the run waits for into its memo, where that has changed. */
  showWaits(waits: Waits | null, index: AgentRecord['index']): void {
    if (index === undefined || JSON.stringify(waits) === JSON.stringify(this.#waits)) return;
    if (index === 'attributes' && this.#waits?.sinceMs !== waits?.sinceMs) this.#upsertWaitingSince(waits);
    // A run that was not started by our client has no agent in its memo yet.
    upsertMemo({ [MEMO.waits]: waits, ...(waits && { [MEMO.agent]: this.#agent }) });
    this.#waits = waits;
  }

  /** For whoever follows the run: nothing else in its history says that a message is answered, least of all that it failed. */
  showReply({ message, status, reason, reasonCode, reasonParameters }: Reply): void {
    upsertMemo({
      [MEMO.replied]: {
        message,
        status,
        reason: reason && cutText(reason, ERROR_CHARS_MAX),
        reasonCode,
        reasonParameters,
      },
    });
  }

  showResult({ status, spend }: RunResult, index: AgentRecord['index']): void {
    if (index === undefined) return;
    if (this.#waits) this.showWaits(null, index);
    upsertMemo({ [MEMO.status]: status, [MEMO.spend]: spend });
  }

  #upsertWaitingSince(waits: Waits | null): void {
    upsertSearchAttributes([
      { key: { name: ATTRIBUTE.waitingSince, type: 'DATETIME' }, value: waits && new Date(waits.sinceMs) },
      { key: { name: ATTRIBUTE.agent, type: 'KEYWORD' }, value: this.#agent },
    ]);
  }

  carried(): PublishedState {
    return { waiting: this.#waiting, waits: this.#waits };
  }
}
