// Reads the open questions in a memo: anybody who can start a workflow can write one.
import { BUDGET_LIMITS, type BudgetReached } from './budget.ts';
import { isReason } from './carriedState.ts';
import { WAITS_SHOWN } from './limits.ts';
import {
  hasShape,
  isAnything,
  isBoolean,
  isEither,
  isList,
  isNumber,
  isOneOf,
  isText,
  isTime,
  isWholeNumber,
  nullable,
  optional,
} from './shape.ts';
import type { Question, Waits } from './types.ts';

const isQuestion = isEither(
  hasShape<Extract<Question, { kind: 'approval' }>>({
    kind: isOneOf('approval'),
    call: isText,
    digest: isText,
    tool: isText,
    arguments: isText,
    question: nullable(isText),
    external: optional(isBoolean),
    input: optional(isBoolean),
    because: optional(isReason),
    by: optional(isList(isText)),
    notBy: optional(nullable(isText)),
    sinceMs: isTime,
    expiresAtMs: nullable(isTime),
  }),
  hasShape<Extract<Question, { kind: 'budget' }>>({
    kind: isOneOf('budget'),
    reason: isText,
    reached: hasShape<BudgetReached>({
      code: isOneOf('budget_reached'),
      parameters: hasShape<BudgetReached['parameters']>({
        limit: isOneOf(...BUDGET_LIMITS),
        amount: isNumber,
        spent: isNumber,
      }),
      text: isText,
    }),
    sinceMs: isTime,
  }),
);

const isWaits = hasShape<Waits>({ sinceMs: isTime, count: isWholeNumber(1), questions: isList(isAnything) });

/** Returns the open questions, without those that cannot be read; null if there are none, undefined if nothing can be read. */
export function readWaits(given: unknown): Waits | null | undefined {
  if (given === null || given === undefined) return null;
  if (isWaits(given, '') !== null) return undefined;
  const { sinceMs, count, questions } = given as Waits;
  const readable = questions.slice(0, WAITS_SHOWN).filter((question) => isQuestion(question, '') === null);
  return { sinceMs, count, questions: readable };
}

/** The questions about the budget: approvals are read from the calls, but these are only in the memo. */
export function budgetQuestions(waits: Waits | null): Extract<Question, { kind: 'budget' }>[] {
  return waits?.questions.filter((question) => question.kind === 'budget') ?? [];
}
