// What planning makes of a model's answer.
import type { ModelAnswer } from '../../core/types.ts';

/** The part of the activity's answer that says what the model wants: a message, and what is to be done for each call. */
export type Planned = Pick<ModelAnswer, 'message' | 'kind' | 'plan' | 'tell' | 'end' | 'value'>;
