// What to type about an error of the client library: by its code, as the command is typed here.
import { type ErrorCode, type ErrorFacts, HoldfastError } from '../client/index.ts';
import { TYPED } from './terminal/typed.ts';

const START_WORKER = `Start one with "${TYPED} worker" or "${TYPED} dev".`;

const ADVICE: { readonly [Code in ErrorCode]?: (facts: ErrorFacts[Code]) => string } = {
  server_unreachable: () => `Start one here with "${TYPED} dev".`,
  run_not_found: () => `"${TYPED} list" shows those there are.`,
  run_over: () => `"${TYPED} show" tells how it ended.`,
  not_picked_up: () => START_WORKER,
  unanswered: () => START_WORKER,
  no_call_waits: () => `What does is listed by "${TYPED} approvals".`,
  schedule_not_found: () => `"${TYPED} schedule list" shows those there are.`,
};

/** A sentence that names a command; empty where the error says it all. */
export function adviceFor(error: unknown): string {
  return error instanceof HoldfastError ? advised(error.code, error.facts) : '';
}

function advised<Code extends ErrorCode>(code: Code, facts: ErrorFacts[Code]): string {
  return ADVICE[code]?.(facts) ?? '';
}
