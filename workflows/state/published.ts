// What a run publishes: reports to its parent by signal; questions, replies and its result in its memo and search attributes.
// Only changes are published.
import type { SearchAttributePair } from '@temporalio/common';
import { getExternalWorkflowHandle, upsertMemo, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { PublishedState } from '../../core/carriedState.ts';
import { ERROR_CHARS_MAX } from '../../core/limits.ts';
import { ATTRIBUTE, MEMO } from '../../core/names.ts';
import { cutText } from '../../core/text.ts';
import type { AgentRecord, Reply, RunResult, Spend, Waits } from '../../core/types.ts';
import { type ChildReport, fromChildSignal } from '../messages.ts';
import { type SendLatest, sendLatest } from '../runtime/sendLatest.ts';

/** What a run has used so far. */
export type Used = Pick<RunResult, 'turns' | 'spend'>;

export class Published {
  readonly #agent: string;
  #waiting: boolean;
  #waits: Waits | null;
  #sendReport: SendLatest<ChildReport> | null = null;
  /** Resolves when every report is sent. */
  #reporting: Promise<void> = Promise.resolve();

  /** `agent` is that of the input. */
  constructor(agent: string, { waiting, waits }: PublishedState) {
    this.#agent = agent;
    this.#waiting = waiting;
    this.#waits = waits;
  }

  get reporting(): Promise<void> {
    return this.#reporting;
  }

  /** Reports to the parent the spend, and whether the run waits for people. */
  report(spend: Spend, isWaiting = false): void {
    const { parent, workflowId } = workflowInfo();
    if (!parent) return;
    this.#waiting = isWaiting;
    this.#sendReport ??= sendLatest((report) =>
      getExternalWorkflowHandle(parent.workflowId).signal(fromChildSignal, report),
    );
    this.#reporting = this.#sendReport({ child: workflowId, spend, waiting: isWaiting });
  }

  /** Time in which all sub-agents wait for people is not active time of the parent. */
  reportWaiting(isWaiting: boolean, spend: () => Spend): void {
    if (this.#waiting !== isWaiting) this.report(spend(), isWaiting);
  }

  /** Writes the open questions to the memo, if they have changed. */
  showWaits(waits: Waits | null, index: AgentRecord['index'], used: Used): void {
    if (index === undefined || JSON.stringify(waits) === JSON.stringify(this.#waits)) return;
    if (index !== 'memo' && this.#waits?.sinceMs !== waits?.sinceMs)
      upsertSearchAttributes([
        { key: { name: ATTRIBUTE.waitingSince, type: 'DATETIME' }, value: waits && new Date(waits.sinceMs) },
        ...this.attributes(index, used),
      ]);
    // A run that was not started by our client has no agent in its memo yet.
    upsertMemo({ [MEMO.waits]: waits, ...(waits && { [MEMO.agent]: this.#agent }) });
    this.#waits = waits;
  }

  /** Writes the reply to the memo: no other event in history shows that a message was answered, or that it failed. */
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

  showResult({ status, turns, spend }: RunResult, index: AgentRecord['index']): void {
    if (index === undefined) return;
    const used = { turns, spend };
    if (this.#waits) this.showWaits(null, index, used);
    if (index === 'status')
      upsertSearchAttributes([
        { key: { name: ATTRIBUTE.status, type: 'KEYWORD' }, value: status },
        ...this.attributes(index, used),
      ]);
    upsertMemo({ [MEMO.status]: status, [MEMO.spend]: spend });
  }

  /** The search attributes that go along where some are written anyway. None of them is worth an event of its own. */
  attributes(index: AgentRecord['index'], { turns, spend }: Used): SearchAttributePair[] {
    if (index === undefined || index === 'memo') return [];
    const agent: SearchAttributePair = { key: { name: ATTRIBUTE.agent, type: 'KEYWORD' }, value: this.#agent };
    if (index === 'attributes') return [agent];
    const { inputTokens, outputTokens, cost } = spend;
    return [
      agent,
      { key: { name: ATTRIBUTE.turns, type: 'INT' }, value: turns },
      { key: { name: ATTRIBUTE.tokens, type: 'INT' }, value: inputTokens + outputTokens },
      // Without prices it is 0, which would be found as cheap.
      ...(cost > 0 ? [{ key: { name: ATTRIBUTE.cost, type: 'DOUBLE' }, value: cost } as const] : []),
    ];
  }

  carried(): PublishedState {
    return { waiting: this.#waiting, waits: this.#waits };
  }
}
