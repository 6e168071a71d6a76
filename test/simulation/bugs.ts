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

const kernel = 'core/batch/decide.ts';
const continueAsNew = 'workflows/ending/continueAsNew.ts';
const settleBatch = 'workflows/turn/settleBatch.ts';

export const BUGS: readonly Bug[] = [
  {
    what: 'the first call of a batch is not answered',
    edit: {
      file: settleBatch,
      from: '  for (const [slot, { call, decision }] of calls.entries())\n    run.conversation.append({',
      to: '  for (const [slot, { call, decision }] of calls.entries())\n    if (slot > 0) run.conversation.append({',
    },
    found: /invalid transcript|transcript is invalid/,
  },
  {
    what: 'answers go to the call that is over first',
    edit: {
      file: settleBatch,
      from: 'content: outcomeText(outcomes[slot]!,',
      to: 'content: outcomeText(outcomes.at(-1 - slot)!,',
    },
    found: /another message \d+ than the workflow|is told as/,
  },
  {
    what: 'a call runs before anybody has decided',
    edit: {
      file: kernel,
      from: 'return !needsDecision(call) && !call.isEditing;',
      to: 'return !call.isEditing;',
    },
    found: /without the decision that it needs/,
  },
  {
    what: 'one call more than may runs at once',
    edit: { file: kernel, from: 'busy < rules.parallel', to: 'busy <= rules.parallel' },
    found: /calls run at once/,
  },
  {
    what: "a tool's own limit is one too high",
    edit: { file: kernel, from: 'ofTool < (rules.maxParallelOf', to: 'ofTool <= (rules.maxParallelOf' },
    found: /run at once/,
  },
  {
    what: 'calls start after a stop',
    edit: { file: kernel, from: "  if (stop) return reason('call_not_started', { why: 'stopped' });\n", to: '' },
    found: /After a stop|The reader has another question/,
  },
  {
    what: 'a pause holds no calls',
    edit: { file: kernel, from: '} else if (!control.isPaused) {', to: '} else {' },
    found: /In a pause/,
  },
  {
    what: 'continue-as-new forgets what people said',
    edit: { file: 'workflows/state/session.ts', from: '      queue: this.#queue,', to: '      queue: [],' },
    found: /unheard/i,
  },
  {
    what: 'continue-as-new makes new idempotency keys',
    edit: {
      file: 'workflows/state/run.ts',
      from: 'this.rootRunId = parent?.rootRunId ?? firstExecutionRunId;',
      to: 'this.rootRunId = parent?.rootRunId ?? workflowInfo().runId;',
    },
    found: /The key of/,
  },
  {
    what: 'the request that was recorded last is forgotten',
    edit: {
      file: 'workflows/state/conversation.ts',
      from: 'if (request) this.#request = { frame: request.frame, messages: request.messages };',
      to: '',
    },
    found: /another request than was recorded/,
  },
  {
    what: 'continue-as-new leaves commands without an answer',
    edit: {
      file: continueAsNew,
      from: '    await CancellationScope.nonCancellable(() => condition(allHandlersFinished));\n',
      to: '',
    },
    found: /without an answer|not answered|handler was still running|waits for nobody/,
    isRare: true,
  },
  {
    what: 'continue-as-new leaves a command that arrived while the parent was signalled',
    edit: { file: continueAsNew, from: '} while (!allHandlersFinished());', to: '} while (false);' },
    found: /without an answer|handler was still running/,
    isRare: true,
  },
  {
    what: 'continue-as-new loses a cancellation',
    edit: {
      file: continueAsNew,
      from: "  if (run.clock.isCancelled) return run.enter({ is: 'running' });\n",
      to: '',
    },
    found: /After the run was cancelled/,
    isRare: true,
  },
  {
    what: 'continue-as-new leaves calls that run',
    edit: {
      file: 'workflows/turn/runBatch.ts',
      from: 'batch.running === 0 && !batch.isEditing && cancelling.size === 0',
      to: '!batch.isEditing && cancelling.size === 0',
    },
    found: /continues as new while calls run/,
  },
  {
    what: 'a run whose raise is not enough does not ask again',
    edit: {
      file: 'workflows/state/budgetState.ts',
      from: 'if (this.reached(spend) === null) this.#askedAtMs = null;',
      to: 'this.#askedAtMs = null;',
    },
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
    edit: {
      file: 'workflows/people/approvals.ts',
      from: '  if (found.decision) throw alreadyDecided(found.decision);\n',
      to: '',
    },
    found: /decided twice/,
  },
  {
    what: 'what a sub-agent has spent is not counted',
    edit: {
      file: 'workflows/turn/runSubAgent.ts',
      from: '        run.tally.recordSubAgentSpend(workflowId, result.spend);\n',
      to: '',
    },
    found: /it spent/,
  },
  {
    what: 'a command that is sent again takes effect again',
    edit: {
      file: 'workflows/people/commands.ts',
      from: 'if (session.knowsCommand(id)) return false;',
      to: 'if (session.knowsCommand(id)) return true;',
    },
    found: /was not taken|heard twice|is heard, and/,
  },
  {
    what: 'one turn more than the agent may have',
    edit: {
      file: 'workflows/turn/judge.ts',
      from: 'turns.limited < maxTurns',
      to: 'turns.limited <= maxTurns',
    },
    found: /turns are allowed/,
  },
  {
    what: 'the memo of a run that is over still shows that it waits',
    edit: {
      file: 'workflows/state/published.ts',
      from: '    if (this.#waits) this.showWaits(null, index, used);\n',
      to: '',
    },
    found: /memo still shows|attribute still says/,
  },
  {
    what: 'the loop is not woken by a decision',
    edit: {
      file: 'workflows/people/approvals.ts',
      from: '  run.wake.wakeSoon();\n  const later',
      to: '  const later',
    },
    found: /waits for nobody|stuck|memo shows/,
  },
  {
    what: 'the workflow remembers something that a replay does not know',
    edit: {
      file: 'workflows/turn/runTool.ts',
      from: '    heartbeatTimeout: heartbeatMs,\n',
      to: '    heartbeatTimeout: heartbeatMs + ((globalThis as any).asked = ((globalThis as any).asked ?? 0) + 1),\n',
    },
    found: /replay does something else/,
  },
  {
    what: 'the task of a cancelled call goes on',
    edit: {
      file: 'workflows/turn/runTool.ts',
      from: "if (cause.source === 'cancelled') await cancelTask(run, slot, batchCall, task);",
      to: '',
    },
    found: /while calls run/,
  },
  {
    what: 'a call whose task has asked a person starts another one with the answer',
    edit: { file: 'core/batch/input.ts', from: ', ...(task && { task })', to: '' },
    found: /starts its task again/,
  },
  // Only the read model shows these, which decides with the kernel as it should be.
  {
    what: 'calls that an interrupt ended are said to have been stopped',
    edit: {
      file: kernel,
      from: "reason('call_not_started', { why: 'interrupted' })",
      to: "reason('call_not_started', { why: 'stopped' })",
    },
    found: /The reader has another message/,
  },
  {
    what: 'the model is not told why a person rejected a call',
    edit: {
      file: kernel,
      from: "reason('call_rejected', { ...(by && { by }), ...(why && { why }) })",
      to: "reason('call_rejected', { ...(by && { by }) })",
    },
    found: /The reader has another message/,
  },
  {
    what: 'a call times out while a person edits it',
    edit: {
      file: kernel,
      from: 'isExpired && needsDecision(call) && !call.isEditing',
      to: 'isExpired && needsDecision(call)',
    },
    found: /The reader has another/,
    isRare: true,
  },
  {
    what: 'calls do not get the context of the run',
    edit: {
      file: 'workflows/turn/runTool.ts',
      from: '    ...(run.input.context && { context: run.input.context }),\n',
      to: '',
    },
    found: /has the context undefined/,
  },
  {
    what: 'sub-agents do not inherit the context',
    edit: { file: 'workflows/turn/runSubAgent.ts', from: 'context = run.input.context', to: 'context' },
    found: /has the context undefined/,
  },
  {
    what: 'the run forgets what a provider sent beside its answers',
    edit: {
      file: 'workflows/state/conversation.ts',
      from: '    this.#messages.push(message);\n    this.#seen = mark;',
      to: '    this.#messages.push({ ...message, provider: undefined } as Message);\n    this.#seen = mark;',
    },
    found: /Message \d+ was sent as/,
  },
  {
    what: 'a call that is carried out elsewhere can be approved',
    edit: {
      file: 'workflows/people/approvals.ts',
      from: "  if (external && decision.verdict !== 'respond'",
      to: "  if (!external && decision.verdict !== 'respond'",
    },
    found: /is carried out elsewhere/,
  },
];
