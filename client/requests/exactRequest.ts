// The request of a turn where all of it is known to be what was sent.
import type { Run } from '../../core/read/run.ts';
import { RequestUnavailable } from '../errors/errors.ts';
import { type ModelRequest, requestOf } from './requestOf.ts';

/** null: it is not known, or the model was not asked. */
export function exactRequest(run: Run, turn: number): ModelRequest | null {
  try {
    const request = requestOf(run, turn);
    return request.isExact ? request : null;
  } catch (error) {
    if (error instanceof RequestUnavailable) return null;
    throw error;
  }
}
