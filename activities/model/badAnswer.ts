// The failures of a model call for what its server sent, as opposed to those that the client reports.
import { ApplicationFailure } from '@temporalio/common';
import { ERROR_CHARS_MAX } from '../../core/limits.ts';
import { FAILURE } from '../../core/names.ts';
import type { Reason } from '../../core/reasons/codes.ts';
import { cutText } from '../../core/text.ts';

/** For an unusable answer. Retryable: another attempt may bring a usable one. */
export function badAnswer(why: string | Reason): ApplicationFailure {
  return answerFailure(why, false);
}

/** For what another attempt would meet again. */
export function hopelessAnswer(why: string | Reason): ApplicationFailure {
  return answerFailure(why, true);
}

function answerFailure(why: string | Reason, nonRetryable: boolean): ApplicationFailure {
  return ApplicationFailure.create({
    message: cutText(typeof why === 'string' ? why : why.text, ERROR_CHARS_MAX),
    type: FAILURE.model,
    nonRetryable,
    ...(typeof why !== 'string' && { details: [why] }),
  });
}
