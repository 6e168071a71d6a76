// A command that a run does not carry out: the sender gets the reason, with its code in the details.
import { ApplicationFailure } from '@temporalio/workflow';
import { FAILURE } from '../../core/names.ts';
import type { ReasonCode, ReasonParameters } from '../../core/reasons/codes.ts';
import { inEnglish } from '../../core/reasons/english.ts';

export function refusal<C extends ReasonCode>(code: C, parameters: ReasonParameters[C]): ApplicationFailure {
  return ApplicationFailure.nonRetryable(inEnglish(code, parameters), FAILURE.refusedCommand, { code, parameters });
}

/** Throws where the argument of an update or query is not what it must be. */
export function check(problem: string | null): void {
  if (problem !== null) throw refusal('invalid_request', { problem });
}
