// What the forms under a run are given.
import type { ForkSummary } from '../../../../client/index.ts';
import type { About } from '../../app.ts';
import type { RunHead, TurnView } from '../../runView.ts';

export interface AgainProps {
  readonly head: RunHead;
  readonly turns: readonly TurnView[];
  readonly about: About;
  readonly forks: readonly ForkSummary[];
  /** A fork was started. */
  readonly onFork: () => void;
}

/** The turn that a form begins with: the one that failed, or the last. */
export function firstTurn({ head, turns }: Pick<AgainProps, 'head' | 'turns'>): string {
  return String(head.failing?.turn ?? turns.at(-1)?.turn ?? 1);
}
