// The context of a run, as an agent's schema parses it.
import { ERROR_CHARS_MAX } from '../../core/limits.ts';
import { reason } from '../../core/reasons/reason.ts';
import { cutText } from '../../core/text.ts';
import type { RunContext } from '../../core/types.ts';
import { hopelessAnswer } from '../model/badAnswer.ts';
import { issuesText } from '../plan/arguments.ts';
import { deepFreeze } from './rules.ts';
import type { Agent } from './types.ts';

/**
 * Returns the context for tools and rules. Anybody who can reach the server can start a run with any context, so each activity
 * parses it. Without a schema, it is what the run was started with.
 */
export async function parseContext({ name, context }: Agent, given: RunContext = {}): Promise<RunContext> {
  if (!context) return deepFreeze(given);
  const checked = await context.check(given);
  // What the schema of an object allows is one.
  if (checked.ok) return deepFreeze(checked.value as RunContext);
  const problem = cutText(issuesText(checked.issues), ERROR_CHARS_MAX);
  throw hopelessAnswer(reason('context_invalid', { agent: name, problem }));
}
