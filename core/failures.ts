// How failures read: as the model sees them, and in the run's report.
import { count, cutText, plural } from './text.ts';
import type { Outcome, StandingDecision, ToolFailure } from './types.ts';

/** The content of a failed call's tool message. */
function failureText({ error, tool, kind }: ToolFailure): string {
  return JSON.stringify({ error, tool, kind });
}

/** What the model reads of a call. Where a person changed its arguments, it says so: the model wrote others. */
export function outcomeText(outcome: Outcome, decision?: StandingDecision | null): string {
  return `${changedPrefix(decision)}${outcome.ok ? outcome.text : failureText(outcome)}`;
}

/** What stands before the answer of a call whose arguments a person changed; else ''. */
export function changedPrefix(decision?: StandingDecision | null): string {
  if (decision?.arguments === undefined) return '';
  return `A person changed the arguments of this call to ${decision.arguments}. It answered:\n`;
}

/** Lines of one warning: more than anybody reads, and a turn may have a thousand calls. */
const LINES_MAX = 50;

/** One warning about a batch in which calls failed, for the run's report; null when none did. */
export function batchWarning(turn: number, outcomes: readonly Outcome[]): string | null {
  const failures = outcomes.filter((outcome) => !outcome.ok);
  if (failures.length === 0) return null;
  const lines = failures.slice(0, LINES_MAX).map(({ tool, error }) => `- ${tool}: ${cutText(error, 300)}`);
  if (failures.length > LINES_MAX) lines.push(`- and ${count(failures.length - LINES_MAX)} more`);
  if (allToolsFailed(outcomes)) return `Turn ${turn}: Multiple errors occurred:\n${lines.join('\n')}`;
  return `Turn ${turn}: ${count(failures.length)} of ${plural(outcomes.length, 'call')} failed:\n${lines.join('\n')}`;
}

/** A batch is two calls or more that ran: a call that was refused beforehand says nothing about the tools. */
export function allToolsFailed(outcomes: readonly Outcome[]): boolean {
  const ran = outcomes.filter((outcome) => outcome.ok || outcome.ran);
  return ran.length >= 2 && ran.every((outcome) => !outcome.ok);
}
