// Who may decide about a pending call. The workflow, the read model, the client, the command line and the console's page share this.
import { DECIDERS } from './limits.ts';
import type { Reason } from './reasons/codes.ts';
import { reason } from './reasons/reason.ts';
import type { Ask, Question, Verdict } from './types.ts';

/** As `role:finance`. Everything else is a person's name. */
const ROLE = 'role:';

export type Deciders = Pick<Extract<Question, { kind: 'approval' }>, 'by' | 'notBy'>;

/** Who decides, in which roles. */
export interface Decider {
  readonly by?: string | null | undefined;
  readonly roles?: readonly string[] | null | undefined;
}

/** `startedBy`: who started the run; null if that is not recorded. */
export function decidersOf(ask: Ask | undefined, startedBy: string | null): Deciders {
  return { ...(ask?.by && { by: ask.by }), ...(ask?.notInitiator && { notBy: startedBy }) };
}

/** Whether not everybody may decide. */
export function isRestricted({ by, notBy }: Deciders): boolean {
  return by !== undefined || notBy !== undefined;
}

/**
 * Returns why somebody may not decide; null if they may. Anybody may reject: a call that does not run does no harm, and whoever sees that it
 * would should not have to look for somebody.
 */
export function deciderProblem(
  { call, by: allowed, notBy }: Deciders & { readonly call: string },
  { verdict, ...decider }: Decider & { readonly verdict: Verdict },
): Reason | null {
  if (verdict === 'reject' || !isRestricted({ by: allowed, notBy })) return null;
  const by = decider.by ?? '';
  if (by.trim() === '') return reason('decider_not_named', { call });
  if (notBy === null) return reason('initiator_unknown', { call });
  // Two servers may write one name differently, and this must not be how somebody approves what they have asked for.
  if (notBy !== undefined && same(notBy, by)) return reason('decider_is_initiator', { call, by });
  if (!allowed || isNamed(allowed, decider) || roleIn(allowed, decider) !== undefined) return null;
  return reason('decider_not_allowed', { call, by, allowed });
}

/** Returns the role by which somebody may decide; undefined if they need none, or have none. */
export function roleOf({ by: allowed }: Deciders, decider: Decider): string | undefined {
  if (!allowed || isNamed(allowed, decider)) return undefined;
  return roleIn(allowed, decider);
}

/** The roles of somebody that matter here: a company may give each person hundreds. */
export function rolesThatMatter({ by: allowed = [] }: Deciders, roles: readonly string[]): readonly string[] {
  return roles.filter((role) => allowed.includes(ROLE + role));
}

/** Nobody has a role by their name. */
function isNamed(allowed: readonly string[], { by }: Decider): boolean {
  return typeof by === 'string' && !by.startsWith(ROLE) && allowed.includes(by);
}

function roleIn(allowed: readonly string[], { roles }: Decider): string | undefined {
  return roles?.find((role) => allowed.includes(ROLE + role));
}

function same(one: string, other: string): boolean {
  return one.trim().toLowerCase() === other.trim().toLowerCase();
}

/** Who may approve, for people to read; '' if everybody may. */
export function decidersText({ by, notBy }: Deciders): string {
  if (notBy === null) return 'Nobody may approve it: it is not recorded who started the run, who may not.';
  if (!by) return notBy === undefined ? '' : `Anybody may approve it but ${notBy}, who started the run.`;
  const only = `Only ${by.join(' or ')} may approve it`;
  return notBy === undefined ? `${only}.` : `${only}, and not ${notBy}, who started the run.`;
}

/** What is wrong with the option `by` of an approval, as the end of a sentence; null if nothing is. */
export function byProblem(by: unknown): string | null {
  const names: readonly unknown[] = Array.isArray(by) ? by : [by];
  if (names.length === 0 || names.length > DECIDERS.max)
    return `must name 1 to ${DECIDERS.max} roles or people; it names ${names.length}.`;
  for (const name of names) {
    if (typeof name !== 'string' || name.trim() !== name || name === '' || name === ROLE)
      return "must be a role, such as 'role:finance', the name of a person, or a list of them.";
    if (name.length > DECIDERS.nameCharsMax) return `may have names of ${DECIDERS.nameCharsMax} characters at most.`;
  }
  return null;
}

/** What is wrong with the name of who starts a run, as a sentence; null if nothing is. */
export function starterProblem(by: unknown): string | null {
  if (typeof by !== 'string') return 'by must be a string: who starts the run.';
  if (by.trim() === '') return 'by is empty. Leave it out, or name who starts the run.';
  const { nameCharsMax } = DECIDERS;
  return by.length > nameCharsMax ? `by may have ${nameCharsMax} characters; it has ${by.length}.` : null;
}

/** Who started a run, of its memo, which may hold anything. */
export function readStarter(given: unknown): string | null {
  return starterProblem(given) === null ? (given as string) : null;
}
