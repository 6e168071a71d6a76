// A call that has run may ask a person for input: it becomes a pending call again, and runs again with the answer. The workflow
// and the read model share this.
import { isNotJson, resultProblem } from '../activityResults.ts';
import { INPUT } from '../limits.ts';
import { cutBytes, utf8Length } from '../text.ts';
import type { AllowedCall, AskedInput, PlannedCall, RecordedDecision, ToolCallResult, ToolPolicy } from '../types.ts';

/** Returns what the call has asked, if it has. */
export function inputOf(planned: PlannedCall): AskedInput | undefined {
  return 'problem' in planned ? undefined : planned.ask?.input;
}

/** Returns the plan of a call whose activity ended with a question; null if its result is an outcome. */
export function askedAgain(
  { planned, decision }: { readonly planned: PlannedCall; readonly decision: RecordedDecision | null },
  result: unknown,
  policy: ToolPolicy,
): AllowedCall | null {
  // A tool on a queue of its own may return anything.
  if (policy.queue !== undefined || isNotJson(result) || 'problem' in planned) return null;
  if (resultProblem.tool(result) !== null) return null;
  const { needsInput, task } = result as ToolCallResult;
  if (!needsInput) return null;
  const before = planned.ask?.input;
  const round = (before?.round ?? 0) + 1;
  if (round > INPUT.roundsMax || utf8Length(needsInput.state) > INPUT.stateBytesMax) return null;
  const digest = before?.digest ?? planned.digest;
  const approved = before ? before.decision : approvedBy(decision);
  // Whoever may approve the call may answer it: what it runs with is theirs to decide.
  const { by, notInitiator } = planned.ask ?? {};
  return {
    ...planned,
    // A decision about an earlier question must not answer this one.
    digest: `${digest}.${round}`,
    ask: {
      question: cutBytes(needsInput.question, INPUT.questionBytesMax),
      external: true,
      ...(by && { by }),
      ...(notInitiator && { notInitiator }),
      input: { round, digest, state: needsInput.state, ...(approved && { decision: approved }), ...(task && { task }) },
    },
  };
}

function approvedBy(decision: RecordedDecision | null): AskedInput['decision'] {
  if (!decision) return undefined;
  const { verdict, by, why, arguments: edited } = decision;
  return { verdict, by, why, ...(edited !== undefined && { arguments: edited }) };
}
