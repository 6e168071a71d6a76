// A run and its sub-agents: what one tells the other, by signals.
import { CancellationScope, getExternalWorkflowHandle, setHandler, workflowInfo } from '@temporalio/workflow';
import type { Said } from '../core/types.ts';
import { isSpend } from '../core/usage.ts';
import { type ChildReport, fromChildSignal, fromParentSignal, type ParentOrder } from './messages.ts';
import { type RunState, totalSpend } from './runState.ts';

const ORDERS: readonly ParentOrder['order'][] = ['pause', 'resume', 'stop'];

export function listenToFamily(run: RunState): void {
  const hearParent = (order: ParentOrder) => {
    // Anybody can send a signal, and an error here would hold up the run for ever.
    if (!ORDERS.includes(order?.order)) return;
    obey(run, order);
    run.live.wake();
  };
  const hearChild = (report: ChildReport) => {
    const known = run.live.children.get(report?.child);
    // Of one that is over, its result has said more.
    if (!known || !isSpend(report.spend)) return;
    run.childSpend[report.child] = report.spend;
    known.waiting = report.waiting === true;
    run.live.wake();
  };
  setHandler(fromParentSignal, hearParent, { description: 'What a run tells its sub-agents.' });
  setHandler(fromChildSignal, hearChild, { description: 'What a sub-agent tells the run that it works for.' });
}

function obey(run: RunState, order: ParentOrder): void {
  switch (order.order) {
    case 'pause':
    case 'resume':
      run.pausedByParent = order.order === 'pause';
      break;
    case 'stop': {
      const { order: _, ...said } = order;
      run.stop ??= said;
      break;
    }
  }
}

/** Tells each sub-agent what it has not been told yet: to hold or to go on, and to stop. */
export function tellChildren(run: RunState, hold: boolean, stop: Said | null): void {
  for (const child of run.live.children.values()) {
    if (!child.tell || child.stopped) continue;
    if (stop) {
      child.stopped = true;
      void child.tell({ order: 'stop', ...stop });
    } else if (child.held !== hold) {
      child.held = hold;
      void child.tell({ order: hold ? 'pause' : 'resume' });
    }
  }
}

/** What was spent, where a budget above this run wants to know. */
export function reportToParent(run: RunState): void {
  if (run.input.parent?.reports && run.turn > 0) run.live.telling = tellParent(run, false);
}

/** A parent does not count time in which all its sub-agents wait for people. */
export function tellParentOfWaiting(run: RunState, waiting: boolean): void {
  if (!run.input.parent || run.toldWaiting === waiting) return;
  run.toldWaiting = waiting;
  run.live.telling = tellParent(run, waiting);
}

/** A cancelled run has no result: what it has spent, its parent hears like this. Resolves when it has. */
export async function tellParentOfEnd(run: RunState): Promise<void> {
  if (run.input.parent) await tellParent(run, false);
}

function tellParent(run: RunState, waiting: boolean): Promise<void> {
  const { parent } = workflowInfo();
  if (!parent) return Promise.resolve();
  const handle = getExternalWorkflowHandle(parent.workflowId);
  run.live.tellParent ??= inTurn((report: ChildReport) => handle.signal(fromChildSignal, report));
  return run.live.tellParent({ child: run.workflowId, spend: totalSpend(run), waiting });
}

/**
 * Two signals that are under way together may overtake one another. So one goes at a time, and of what is to be said
 * meanwhile, only the last. Resolves when all has been said; whoever is gone need not hear it.
 */
export function inTurn<Word>(send: (word: Word) => Promise<void>): (word: Word) => Promise<void> {
  let next: { readonly word: Word } | null = null;
  let sending: Promise<void> | null = null;

  async function sendAll(): Promise<void> {
    while (next) {
      const { word } = next;
      next = null;
      await CancellationScope.nonCancellable(() => send(word)).catch(() => undefined);
    }
    sending = null;
  }

  return (word) => {
    next = { word };
    sending ??= sendAll();
    return sending;
  };
}
