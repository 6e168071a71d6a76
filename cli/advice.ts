// Advice for errors of the client library: the command to type next, by error code.
import { type ErrorCode, type ErrorFacts, HoldfastError } from '../client/index.ts';
import { commandLine, PROGRAM } from './terminal/commandLine.ts';

const START_WORKER = `Start one with "${PROGRAM} worker" or "${PROGRAM} dev".`;

const ADVICE: { readonly [Code in ErrorCode]?: (facts: ErrorFacts[Code]) => string } = {
  server_unreachable: () => `Start one with "${PROGRAM} dev".`,
  run_not_found: () => `List runs with "${PROGRAM} list".`,
  run_over: ({ workflowId }) => `See how it ended with "${commandLine(['show', workflowId])}".`,
  not_picked_up: () => START_WORKER,
  unanswered: () => START_WORKER,
  no_call_waits: () => `List pending approvals with "${PROGRAM} approvals".`,
  schedule_not_found: () => `List schedules with "${PROGRAM} schedule list".`,
};

/** Returns a sentence that names a command, or '' if there is no advice. */
export function adviceFor(error: unknown): string {
  return error instanceof HoldfastError ? adviceOf(error.code, error.facts) : '';
}

function adviceOf<Code extends ErrorCode>(code: Code, facts: ErrorFacts[Code]): string {
  return ADVICE[code]?.(facts) ?? '';
}
