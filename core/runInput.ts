// Checks the input of a run: anybody who can reach the server can start one.
import { isAttachments } from './attachments.ts';
import { budgetProblem } from './budget.ts';
import { RUN_CONTEXT_BYTES_MAX } from './limits.ts';
import { isAnything, isBoolean, isRecord, isShape, isText, isWholeNumber, nullable, optional } from './shape.ts';
import { count, jsonBytes } from './text.ts';
import type { RunInput } from './types.ts';

const EXAMPLE = 'Start an agent with {"agent":"clinic","input":"…"}.';

/** Other languages send null for a field that is not set. */
const unset = (check: typeof isText) => optional(nullable(check));

const isRunInput = isShape<RunInput>({
  agent: isText,
  input: isText,
  attachments: optional(nullable(isAttachments)),
  maxTurns: unset(isWholeNumber(1)),
  parallel: unset(isWholeNumber(1)),
  session: unset(isBoolean),
  budget: isAnything,
  context: optional(nullable(isRecord(isAnything))),
});

/** Returns what is wrong with the input, and an example; null if it is valid. */
export function runInputProblem(given: unknown): string | null {
  const problem = isRunInput(given, '') ?? contentProblem(given as RunInput);
  return problem === null ? null : `${problem} ${EXAMPLE}`;
}

/** Returns what is wrong with a run's context, as a sentence; null if it is valid. */
export function contextProblem(context: unknown): string | null {
  const problem = isRecord(isAnything)(context, 'context');
  if (problem) return problem;
  const bytes = jsonBytes(context);
  if (bytes <= RUN_CONTEXT_BYTES_MAX) return null;
  return `context has ${count(bytes)} bytes; at most ${count(RUN_CONTEXT_BYTES_MAX)} are allowed.`;
}

function contentProblem({ agent, input, attachments, session, budget, context }: RunInput): string | null {
  if (agent === '') return 'agent must not be empty.';
  // Only a session can begin without input.
  if (input === '' && session !== true) return 'input must not be empty, except for a session.';
  if (input === '' && attachments && attachments.length > 0) return 'attachments need an input beside them.';
  if (context !== undefined && context !== null) {
    const problem = contextProblem(context);
    if (problem) return problem;
  }
  return budget === undefined || budget === null ? null : budgetProblem(budget);
}

/** Returns the input without fields that are null. */
export function withoutNulls(input: RunInput): RunInput {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null)) as unknown as RunInput;
}
