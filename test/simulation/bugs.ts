// Bugs that the simulation has to find. Some were in the workflow until it found them.
import type { Edit } from '../support/mutatedWorkflows.ts';

export interface Bug {
  readonly what: string;
  readonly edit: Edit;
  /** What the simulation says of it. */
  readonly found: RegExp;
  /** It takes thousands of runs until it shows. */
  readonly isRare?: true;
}

const batch = 'workflows/batch.ts';
const runState = 'workflows/runState.ts';
const orders = 'workflows/orders.ts';

export const BUGS: readonly Bug[] = [
  {
    what: 'the first call of a batch is not answered',
    edit: {
      file: runState,
      from: '  for (const [slot, call] of calls.entries())\n    run.transcript.push({',
      to: '  for (const [slot, call] of calls.entries())\n    if (slot > 0) run.transcript.push({',
    },
    found: /invalid transcript|transcript is invalid/,
  },
  {
    what: 'answers go to the call that is over first',
    edit: {
      file: runState,
      from: 'content: outcomeText(outcomes[slot]!,',
      to: 'content: outcomeText(outcomes.at(-1 - slot)!,',
    },
    found: /is told as/,
  },
  {
    what: 'a call runs before anybody has decided',
    edit: {
      file: batch,
      from: '(ask === undefined || ask.decision !== null)',
      to: '(ask === undefined || ask !== null)',
    },
    found: /without the decision that it needs/,
  },
  {
    what: 'one call more than may runs at once',
    edit: { file: batch, from: 'busy.size < limit', to: 'busy.size <= limit' },
    found: /calls run at once/,
  },
  {
    what: "a tool's own limit is one too high",
    edit: { file: batch, from: ' === tool).length < limit;', to: ' === tool).length <= limit;' },
    found: /run at once/,
  },
  {
    what: 'calls start after a stop',
    edit: { file: batch, from: '  if (run.stop) return RUN_STOPPED;\n', to: '' },
    found: /After a stop/,
  },
  {
    what: 'a pause holds no calls',
    edit: { file: batch, from: 'else if (!isPaused(run)) {', to: 'else {' },
    found: /In a pause/,
  },
  {
    what: 'continue-as-new forgets what people said',
    edit: { file: runState, from: 'return { ...carried, spend:', to: 'return { ...carried, queue: [], spend:' },
    found: /unheard/i,
  },
  {
    what: 'continue-as-new makes new idempotency keys',
    edit: { file: runState, from: 'chain: firstExecutionRunId', to: 'chain: workflowInfo().runId' },
    found: /The key of/,
  },
  {
    what: 'continue-as-new leaves orders without an answer',
    edit: {
      file: 'workflows/carry.ts',
      from: '    await CancellationScope.nonCancellable(() => condition(allHandlersFinished));\n',
      to: '',
    },
    found: /without an answer|not answered|handler was still running|waits for nobody/,
    isRare: true,
  },
  {
    what: 'continue-as-new leaves an order that came while the parent was told',
    edit: { file: 'workflows/carry.ts', from: '} while (!allHandlersFinished());', to: '} while (false);' },
    found: /without an answer|handler was still running/,
    isRare: true,
  },
  {
    what: 'continue-as-new loses a cancellation',
    edit: {
      file: 'workflows/carry.ts',
      from: 'run.live.clock.scope.consideredCancelled || run.live.interrupted',
      to: 'run.live.interrupted',
    },
    found: /After the run was cancelled/,
    isRare: true,
  },
  {
    what: 'continue-as-new loses an interrupt',
    edit: {
      file: 'workflows/carry.ts',
      from: 'run.live.clock.scope.consideredCancelled || run.live.interrupted',
      to: 'run.live.clock.scope.consideredCancelled',
    },
    found: /after an interrupt/,
    isRare: true,
  },
  {
    what: 'a run whose raised budget is not enough asks no more',
    edit: { file: orders, from: 'if (over === null) run.budgetAskedAtMs = null;', to: 'run.budgetAskedAtMs = null;' },
    found: /waits for nobody|memo shows/,
    isRare: true,
  },
  {
    what: 'one model call more than the budget has',
    edit: {
      file: 'core/budget.ts',
      from: 'SPENT[limit](spend) >= limitOf(budget, limit));\n  return reached',
      to: 'SPENT[limit](spend) > limitOf(budget, limit));\n  return reached',
    },
    found: /Beyond the budget/,
  },
  {
    what: 'a second decision counts',
    edit: { file: 'workflows/approvals.ts', from: '  if (ask?.decision) throw decided(ask.decision);\n', to: '' },
    found: /decided twice/,
  },
  {
    what: 'what a sub-agent has spent is not counted',
    edit: { file: 'workflows/subAgent.ts', from: '    run.childSpend[workflowId] = result.spend;\n', to: '' },
    found: /it spent/,
  },
  {
    what: 'an order that is sent again is carried out again',
    edit: { file: orders, from: 'if (isTaken(run, id)) return false;', to: 'if (isTaken(run, id)) return true;' },
    found: /was not taken|heard twice|is heard, and/,
  },
  {
    what: 'one turn more than the agent may have',
    edit: {
      file: 'workflows/judge.ts',
      from: 'run.turn - run.turnsBefore < maxTurns',
      to: 'run.turn - run.turnsBefore <= maxTurns',
    },
    found: /turns are allowed/,
  },
  {
    what: 'the memo of a run that is over still shows that it waits',
    edit: { file: 'workflows/finish.ts', from: '  clearWaits(run);\n', to: '' },
    found: /memo still shows|attribute still says/,
  },
  {
    what: 'the loop is not woken by a decision',
    edit: { file: 'workflows/approvals.ts', from: '  run.live.wake();\n  const later', to: '  const later' },
    found: /waits for nobody|stuck|memo shows/,
  },
  {
    what: 'the workflow remembers something that a replay does not know',
    edit: {
      file: 'workflows/runTool.ts',
      from: '    heartbeatTimeout: policy.heartbeatMs,\n',
      to: '    heartbeatTimeout: policy.heartbeatMs + ((globalThis as any).asked = ((globalThis as any).asked ?? 0) + 1),\n',
    },
    found: /replay does something else/,
  },
];
