// Signals between a run and its sub-agents. Anybody can send a signal, and an error in a handler would block the run for ever, so
// signals of another shape are ignored, and so are the commands of a parent where there is none.
import { reason } from '../../core/reasons/reason.ts';
import { requestProblem } from '../../core/requests.ts';
import { hasShape, isBoolean, isText } from '../../core/shape.ts';
import { isSpend } from '../../core/usage.ts';
import { type ChildReport, fromChildSignal, fromParentSignal, type ParentCommand } from '../messages.ts';
import { onSignal } from '../runtime/onSignal.ts';
import type { Run } from '../state/run.ts';

const hasReportShape = hasShape<Omit<ChildReport, 'spend'>>({ child: isText, waiting: isBoolean });

export function handleFamilySignals(run: Run): void {
  onSignal(fromParentSignal, {
    description: "A parent's command: pause, resume or stop.",
    receive(command) {
      if (!run.parent || requestProblem.fromParent(command) !== null) return;
      applyParentCommand(run, command as ParentCommand);
      run.wake.wakeSoon();
    },
    drop: () => run.tally.warnOnce(reason('signal_unreadable', { signal: fromParentSignal.name })),
  });
  onSignal(fromChildSignal, {
    description: "A sub-agent's report of its spend.",
    receive(report) {
      if (!isChildReport(report)) return;
      const { child, spend, waiting } = report;
      const subAgent = run.batch?.calls.find((call) => call.child?.workflowId === child)?.child;
      // The result of a finished sub-agent is newer than any report.
      if (!subAgent) return;
      run.tally.recordSubAgentSpend(child, spend);
      subAgent.reportWaiting(waiting);
      run.wake.wakeSoon();
    },
    drop: () => run.tally.warnOnce(reason('signal_unreadable', { signal: fromChildSignal.name })),
  });
}

function isChildReport(given: unknown): given is ChildReport {
  return hasReportShape(given, '') === null && isSpend((given as ChildReport).spend);
}

function applyParentCommand({ control }: Run, command: ParentCommand): void {
  switch (command.command) {
    case 'pause':
    case 'resume':
      control.setPausedByParent(command.command === 'pause');
      break;
    case 'stop': {
      const { by, why } = command;
      control.requestStop({ ...(by && { by }), ...(why && { why }) });
      break;
    }
  }
}
