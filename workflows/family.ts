// A run and its sub-agents: what one tells the other, by signals.
import { getExternalWorkflowHandle, setHandler, workflowInfo } from '@temporalio/workflow';
import { fromChildSignal, fromParentSignal, type ParentOrder } from './messages.ts';
import { type RunState, totalSpend } from './runState.ts';

export function listenToFamily(run: RunState): void {
  setHandler(fromParentSignal, (order) => {
    obey(run, order);
    run.live.wake();
  });
  setHandler(fromChildSignal, ({ child, spend, waiting }) => {
    run.childSpend[child] = spend;
    const known = run.live.children.get(child);
    if (known) known.waiting = waiting;
    run.live.wake();
  });
}

function obey(run: RunState, order: ParentOrder): void {
  switch (order.order) {
    case 'pause':
    case 'resume':
      run.pausedByParent = order.order === 'pause';
      break;
    case 'stop':
      run.stop ??= order;
      break;
  }
  tellChildren(run, order);
}

export function tellChildren(run: RunState, order: ParentOrder): void {
  for (const child of run.live.children.values()) child.tell(order);
}

/** What was spent, where a budget above this run wants to know. */
export function reportToParent(run: RunState): void {
  if (run.input.parent?.reports && run.turn > 0) tellParent(run, false);
}

/** A parent does not count time in which all its sub-agents wait for people. */
export function tellParentOfWaiting(run: RunState, waiting: boolean): void {
  if (run.input.parent) tellParent(run, waiting);
}

function tellParent(run: RunState, waiting: boolean): void {
  const { parent } = workflowInfo();
  if (!parent) return;
  const handle = getExternalWorkflowHandle(parent.workflowId);
  const report = { child: run.workflowId, spend: totalSpend(run), waiting };
  // A parent that is gone needs no report.
  handle.signal(fromChildSignal, report).catch(() => undefined);
}
