// The result of planning a model's answer.
import type { ModelAnswer } from '../../core/types.ts';

/** The part of the activity's result that depends on the answer: the message, and the plan for each call. */
export type Planned = Pick<ModelAnswer, 'message' | 'kind' | 'plan' | 'tell' | 'end' | 'value' | 'warning'>;
