// `approve`, `reject`, `edit` and `respond`: a person's decision about a pending call.
import { CommandRejected, type Decided } from '../../client/index.ts';
import { callActivityId } from '../../core/names.ts';
import { callAt, type Run, toolCalls } from '../../core/read/run.ts';
import type { Decision, Verdict } from '../../core/types.ts';
import { howTo } from '../commands/approvals.ts';
import { CommandRefused, UsageError } from '../exit.ts';
import { idText } from '../terminal/inert.ts';
import { waitingSubAgents } from '../view/family.ts';
import { decidedJson } from '../view/json.ts';
import { ago, callText, decisionText, PAST } from '../view/people.ts';
import { answerText, newArguments, pendingCall } from './parameters.ts';
import { type CommandContext, type CommandResult, type Parameters, runCommand } from './types.ts';

type NewDecision = Omit<Decision, 'call' | 'digest'>;

interface Call {
  readonly call?: string;
}

interface DecisionCommand<Values> {
  readonly description: string;
  readonly parameters: Parameters<Values>;
}

function decisionCommand<Values extends Call & Pick<Decision, 'arguments' | 'text'>>(
  verdict: Verdict,
  { description, parameters }: DecisionCommand<Values>,
) {
  return runCommand<Values>({
    name: verdict,
    description,
    parameters,
    json: 'print one JSON object',
    takesRoles: verdict !== 'reject',
    async execute(context, { call, ...values }): Promise<CommandResult> {
      const decided = await decide(context, call, {
        ...context.author,
        ...(context.roles && { roles: context.roles }),
        ...values,
        verdict,
      });
      return {
        json: decidedJson(context.handle.workflowId, decided),
        isAccepted: decided.isFirst || decided.verdict === verdict,
        text: (id) => decisionReport(id, verdict, decided),
        // A new decision is shown by the session's own events.
        ...(!decided.isFirst && { chatText: `Already decided: ${decisionText(decided)}` }),
      };
    },
  });
}

export const DECISION_COMMANDS = [
  decisionCommand<Call>('approve', {
    description: 'approve a pending call',
    parameters: { call: pendingCall },
  }),
  decisionCommand<Call>('reject', {
    description: 'reject a pending call; the model reads the reason',
    parameters: { call: pendingCall },
  }),
  decisionCommand<Call & { readonly arguments: string }>('edit', {
    description: 'run a pending call with other arguments',
    parameters: { call: pendingCall, arguments: newArguments },
  }),
  decisionCommand<Call & { readonly text: string }>('respond', {
    description: "answer a pending call in the tool's place",
    parameters: { call: pendingCall, text: answerText },
  }),
];

/** Decides about a pending call. Returns the earlier decision if there is one, even if the run is over. */
async function decide(
  { holdfast, handle, flags }: CommandContext,
  call: string | undefined,
  decision: NewDecision,
): Promise<Decided> {
  const run = await handle.read();
  const callId = call === undefined ? await onlyPendingCall(holdfast, run, flags) : callIdOf(run, call);
  const earlier = callAt(run, callId)?.decision;
  if (earlier) return { ...earlier, isFirst: false };
  const pending = run.questions.find((question) => question.kind === 'approval' && question.call === callId);
  if (!pending && run.endedAtMs !== null) throw runOver(run);
  // If the call is not pending, the run's own refusal says why.
  return handle.decide({ call: callId, digest: pending?.kind === 'approval' ? pending.digest : '', ...decision });
}

async function onlyPendingCall(holdfast: CommandContext['holdfast'], run: Run, flags: string): Promise<string> {
  const pending = run.questions.flatMap((question) => (question.kind === 'approval' ? [question] : []));
  const [one, another] = pending;
  const id = idText(run.workflowId);
  if (one && another)
    throw new UsageError(
      `${pending.length} calls of ${id} are pending: ${pending.map(callText).join(', ')}. Name one.`,
    );
  if (one) return one.call;
  if (run.endedAtMs !== null) throw runOver(run);
  const children = await waitingSubAgents(holdfast, run);
  const lines = children.flatMap((child) =>
    child.questions.map((question) => howTo(child.workflowId, question, flags)),
  );
  if (lines.length > 0)
    throw new CommandRefused(
      'sub_agents_wait',
      `No call of ${id} itself is pending, but calls of its sub-agents are:\n${lines.join('\n')}`,
    );
  throw new CommandRejected('no_call_waits', { workflowId: run.workflowId });
}

function runOver({ workflowId, status }: Run): CommandRefused {
  return new CommandRefused(
    'run_over',
    `The run ${idText(workflowId)} is over (${status}): there is nothing to decide.`,
  );
}

/** Returns the call id; `call` is that, or the model call id. */
function callIdOf(run: Run, call: string): string {
  const named = toolCalls(run).findLast(({ callId }) => callId === call);
  return named ? callActivityId(named.turn, named.slot) : call;
}

/** Says which decision counts: the one just made, or an earlier one. */
export function decisionReport(id: string, wanted: Verdict, decided: Decided): string {
  const of = idText(id);
  if (decided.isFirst) return `${of}: ${decisionText(decided)}`;
  if (decided.verdict === wanted) return `${of}, already decided ${ago(decided.atMs)}: ${decisionText(decided)}`;
  return `Not ${PAST[wanted]}: it was already decided ${ago(decided.atMs)}, and the first decision counts. ${of}: ${decisionText(decided)}`;
}
