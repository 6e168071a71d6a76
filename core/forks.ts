// Forks: runs that begin with the conversation of another run, up to one of its turns, and with something changed.
import { type Check, isList, isOneOf, isShape, isText, isWholeNumber, optional } from './shape.ts';
import type { Fork, ForkChanges, ForkEffects, ForkGuard, ForkOf } from './types.ts';

export const FORK_EFFECTS: readonly ForkEffects[] = ['ask', 'block', 'live'];

export const isForkOf: Check = isShape<ForkOf>({ workflowId: isText, runId: isText, turn: isWholeNumber(1) });

const effects = isOneOf(...FORK_EFFECTS);

export const isForkGuard: Check = isShape<ForkGuard>({ of: isForkOf, effects });

const isFork: Check = isShape<Fork>({
  of: isForkOf,
  effects,
  changes: optional(
    isShape<ForkChanges>({
      agent: isText,
      model: optional(isText),
      instructions: optional(isText),
      dropTools: optional(isList(isText)),
    }),
  ),
});

/** Returns what is wrong with the `fork` of a run's second argument; null if it is valid. */
export function forkProblem(given: unknown): string | null {
  return isFork(given, 'fork');
}
