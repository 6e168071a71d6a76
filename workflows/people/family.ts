// Signals between a run and its sub-agents. Anybody can send a signal, and an error in a handler would hold up the run for
// ever: what is not one of ours is ignored.
import { setHandler } from '@temporalio/workflow';
import { hasShape, isBoolean, isOneOf, isText, nullable, optional } from '../../core/shape.ts';
import { isSpend } from '../../core/usage.ts';
import { type ChildReport, fromChildSignal, fromParentSignal, type ParentCommand } from '../messages.ts';
import type { Run } from '../state/run.ts';

const isParentCommand = hasShape<{ command: string; by: string; why: string }>({
  command: isOneOf('pause', 'resume', 'stop'),
  by: optional(nullable(isText)),
  why: optional(nullable(isText)),
});

const isChildReport = hasShape<Omit<ChildReport, 'spend'>>({ child: isText, waiting: isBoolean });

export function listenToFamily(run: Run): void {
  setHandler(
    fromParentSignal,
    (command) => {
      if (isParentCommand(command, '') !== null) return;
      obey(run, command);
      run.wake.wakeSoon();
    },
    { description: 'What a run tells its sub-agents.' },
  );
  setHandler(
    fromChildSignal,
    (report) => {
      if (isChildReport(report, '') !== null || !isSpend(report.spend)) return;
      const { child, spend, waiting } = report;
      const subAgent = run.batch?.calls.find((call) => call.child?.workflowId === child)?.child;
      // Of one that is over, its result has said more.
      if (!subAgent) return;
      run.tally.recordSubAgentSpend(child, spend);
      subAgent.reportWaiting(waiting);
      run.wake.wakeSoon();
    },
    { description: 'What a sub-agent reports to the run that it works for.' },
  );
}

function obey({ control }: Run, command: ParentCommand): void {
  switch (command.command) {
    case 'pause':
    case 'resume':
      control.setPausedByParent(command.command === 'pause');
      break;
    case 'stop': {
      const { by, why } = command;
      control.stopFor({ ...(by && { by }), ...(why && { why }) });
      break;
    }
  }
}
