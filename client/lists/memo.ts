// Reads what a run has written to its memo. A run may have been started by anybody, with any memo.
import { isForkOf } from '../../core/forks.ts';
import { readLabels } from '../../core/labels.ts';
import { MEMO } from '../../core/names.ts';
import { isTime } from '../../core/shape.ts';
import type { ForkOf, Labels, RunStatus, Waits } from '../../core/types.ts';
import { readWaits } from '../../core/waits.ts';
import { UNREADABLE } from '../payloads/lenient.ts';

export interface RunMemo {
  /** `UNREADABLE` if this process cannot read it; so is `parentId`. */
  readonly agent: string | null;
  readonly parentId: string | null;
  readonly status: RunStatus | null;
  readonly startedAtMs: number | null;
  readonly forkOf: ForkOf | null;
  readonly labels: Labels;
  /** null if the run does not wait, undefined if this process cannot read the questions. */
  readonly waits: Waits | null | undefined;
}

export function readMemo(memo: Readonly<Record<string, unknown>> = {}): RunMemo {
  const text = (key: string) => {
    const value = memo[key] ?? null;
    return value === null || typeof value === 'string' ? value : UNREADABLE;
  };
  const status = text(MEMO.status);
  const startedAt = memo[MEMO.startedAt];
  return {
    agent: text(MEMO.agent),
    parentId: text(MEMO.parent),
    status: status === UNREADABLE ? null : (status as RunStatus | null),
    startedAtMs: isTime(startedAt, '') === null ? (startedAt as number) : null,
    forkOf: isForkOf(memo[MEMO.forkOf], '') === null ? (memo[MEMO.forkOf] as ForkOf) : null,
    labels: readLabels(memo[MEMO.labels]),
    waits: readWaits(memo[MEMO.waits]),
  };
}
