// Refuses a command: the sender gets the reason, with its code in the details.
import { ApplicationFailure } from '@temporalio/workflow';
import { FAILURE } from '../../core/names.ts';
import type { Reason, ReasonCode, ReasonParameters } from '../../core/reasons/codes.ts';
import { inEnglish } from '../../core/reasons/english.ts';

export function refusal<C extends ReasonCode>(code: C, parameters: ReasonParameters[C]): ApplicationFailure {
  return ApplicationFailure.nonRetryable(inEnglish(code, parameters), FAILURE.refusedCommand, { code, parameters });
}

/** A refusal for a reason that was found elsewhere. */
export function refusalOf({ code, parameters, text }: Reason): ApplicationFailure {
  return ApplicationFailure.nonRetryable(text, FAILURE.refusedCommand, { code, parameters });
}

/** Throws a refusal if the argument of an update or query has a problem. */
export function check(problem: string | null): void {
  if (problem !== null) throw refusal('invalid_request', { problem });
}
