// `approve`, `reject`, `edit` and `respond`: a person's decision about a call that waits.
import { CommandRejected, type Decided } from '../../client/index.ts';
import { callActivityId } from '../../core/names.ts';
import { callAt, type Run, toolCalls } from '../../core/read/run.ts';
import type { Decision, Verdict } from '../../core/types.ts';
import { howTo } from '../commands/approvals.ts';
import { CommandRefused, UsageError } from '../exit.ts';
import { inertLine } from '../terminal/inert.ts';
import { askedBelow } from '../view/family.ts';
import { decidedJson } from '../view/json.ts';
import { ago, callText, decisionText, PAST } from '../view/people.ts';
import { answerText, newArguments, waitingCall } from './parameters.ts';
import { type Given, type Outcome, type Parameters, runCommand } from './types.ts';

type Made = Omit<Decision, 'call' | 'digest'>;

interface Call {
  readonly call?: string;
}

interface Deciding<Values> {
  readonly description: string;
  readonly parameters: Parameters<Values>;
}

function decision<Values extends Call & Pick<Decision, 'arguments' | 'text'>>(
  verdict: Verdict,
  { description, parameters }: Deciding<Values>,
) {
  return runCommand<Values>({
    name: verdict,
    description,
    parameters,
    json: 'print one JSON object',
    async carryOut(given, { call, ...what }): Promise<Outcome> {
      const decided = await decide(given, call, { ...given.said, ...what, verdict });
      return {
        json: decidedJson(given.handle.workflowId, decided),
        counts: decided.isFirst || decided.verdict === verdict,
        say: (id) => whatStands(id, verdict, decided),
        // What was decided just now is told by the session itself.
        ...(!decided.isFirst && { inChat: `It was decided before: ${decisionText(decided)}` }),
      };
    },
  });
}

export const DECISIONS = [
  decision<Call>('approve', {
    description: 'let a pending call run',
    parameters: { call: waitingCall },
  }),
  decision<Call>('reject', {
    description: 'reject a pending call; the model is told why',
    parameters: { call: waitingCall },
  }),
  decision<Call & { readonly arguments: string }>('edit', {
    description: 'run a pending call with other arguments',
    parameters: { call: waitingCall, arguments: newArguments },
  }),
  decision<Call & { readonly text: string }>('respond', {
    description: "answer a pending call in the tool's place",
    parameters: { call: waitingCall, text: answerText },
  }),
];

/** Decides about the call as it is now; a call that was decided, also of a run that is over, tells by whom. */
async function decide({ holdfast, handle, flags }: Given, call: string | undefined, made: Made): Promise<Decided> {
  const run = await handle.read();
  const place = call === undefined ? await theOneThatWaits(holdfast, run, flags) : placeOf(run, call);
  const standing = callAt(run, place)?.decision;
  if (standing) return { ...standing, isFirst: false };
  const open = run.questions.find((question) => question.kind === 'approval' && question.call === place);
  if (!open && run.endedAtMs !== null) throw over(run);
  // Where it does not wait, the run itself says best what is the matter.
  return handle.decide({ call: place, digest: open?.kind === 'approval' ? open.digest : '', ...made });
}

async function theOneThatWaits(holdfast: Given['holdfast'], run: Run, flags: string): Promise<string> {
  const open = run.questions.flatMap((question) => (question.kind === 'approval' ? [question] : []));
  const [one, another] = open;
  const id = inertLine(run.workflowId, 300);
  if (one && another)
    throw new UsageError(`${open.length} calls of ${id} wait: ${open.map(callText).join(', ')}. Say which.`);
  if (one) return one.call;
  if (run.endedAtMs !== null) throw over(run);
  const below = await askedBelow(holdfast, run);
  const lines = below.flatMap((child) => child.questions.map((question) => howTo(child.workflowId, question, flags)));
  if (lines.length > 0)
    throw new CommandRefused(
      'sub_agents_wait',
      `No call of ${id} itself waits for a decision; its sub-agents do.\n${lines.join('\n')}`,
    );
  throw new CommandRejected('no_call_waits', { workflowId: run.workflowId });
}

function over({ workflowId, status }: Run): CommandRefused {
  return new CommandRefused(
    'run_over',
    `The run ${inertLine(workflowId, 300)} is over (${status}): there is nothing to decide.`,
  );
}

/** A call may be named by its place, or by the id that the model gave it. */
function placeOf(run: Run, call: string): string {
  const named = toolCalls(run).findLast(({ callId }) => callId === call);
  return named ? callActivityId(named.turn, named.slot) : call;
}

export function whatStands(id: string, wanted: Verdict, decided: Decided): string {
  const of = inertLine(id, 300);
  if (decided.isFirst) return `${of}: ${decisionText(decided)}`;
  if (decided.verdict === wanted) return `${of}, already${ago(decided.atMs)}: ${decisionText(decided)}`;
  return `Not ${PAST[wanted]}: it was decided${ago(decided.atMs)}, and the first decision counts. ${of}: ${decisionText(decided)}`;
}
