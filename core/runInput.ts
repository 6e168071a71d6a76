// Checks the input of a run: anybody who can reach the server can start one.
import { budgetProblem } from './budget.ts';
import { isAnything, isBoolean, isShape, isText, isWholeNumber, nullable, optional } from './shape.ts';
import type { RunInput } from './types.ts';

const EXAMPLE = 'Start an agent with {"agent":"clinic","input":"…"}.';

/** Other languages send null for a field that is not set. */
const unset = (check: typeof isText) => optional(nullable(check));

const isRunInput = isShape<RunInput>({
  agent: isText,
  input: isText,
  maxTurns: unset(isWholeNumber(1)),
  parallel: unset(isWholeNumber(1)),
  session: unset(isBoolean),
  budget: isAnything,
});

/** Returns what is wrong with the input, and an example; null if it is valid. */
export function runInputProblem(given: unknown): string | null {
  const problem = isRunInput(given, '') ?? contentProblem(given as RunInput);
  return problem === null ? null : `${problem} ${EXAMPLE}`;
}

function contentProblem({ agent, input, session, budget }: RunInput): string | null {
  if (agent === '') return 'agent must not be empty.';
  // Only a session can begin without input.
  if (input === '' && session !== true) return 'input must not be empty, except for a session.';
  return budget === undefined || budget === null ? null : budgetProblem(budget);
}

/** Returns the input without fields that are null. */
export function withoutNulls(input: RunInput): RunInput {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null)) as unknown as RunInput;
}
