// Checks the answers to updates before a client reads them: another update may have had the same id, and any workflow can be at
// the workflow id. Fields that are not known are ignored: the worker may be newer than the client.
import {
  hasShape,
  isAnything,
  isNumber,
  isOneOf,
  isRecord,
  isText,
  isWholeNumber,
  nullable,
  optional,
} from './shape.ts';
import type { RecordedDecision, Reply, RunSnapshot, Sent } from './types.ts';

/** The fields of a reply, as a run records it. */
export const RECORDED_REPLY = {
  message: isWholeNumber(0),
  status: isText,
  output: nullable(isText),
  value: optional(isAnything),
  reason: nullable(isText),
  reasonCode: nullable(isText),
  reasonParameters: nullable(isRecord(isAnything)),
};

/** The fields of a decision, as a run records it. */
export const RECORDED_DECISION = {
  call: isText,
  verdict: isOneOf('approve', 'edit', 'reject', 'respond'),
  by: nullable(isText),
  why: nullable(isText),
  atMs: isNumber,
  role: optional(isText),
  arguments: optional(isText),
  written: optional(isText),
  text: optional(isText),
};

/** For each kind of answer, returns what is wrong with it; null if it is valid. */
export const answerProblem = {
  decision: hasShape<RecordedDecision>(RECORDED_DECISION),
  decisionOf: (call: string) => hasShape<RecordedDecision>({ ...RECORDED_DECISION, call: isOneOf(call) }),
  sent: hasShape<Sent>({ message: isWholeNumber(0), reply: nullable(hasShape<Reply>(RECORDED_REPLY)) }),
  snapshot: hasShape<RunSnapshot>({
    state: isOneOf('running', 'waiting', 'paused', 'idle', 'stopping'),
    turn: isWholeNumber(0),
  }),
};
