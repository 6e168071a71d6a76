// The context of a run, as an agent's schema parses it.
import { z } from 'zod';
import { ERROR_CHARS_MAX } from '../../core/limits.ts';
import { reason } from '../../core/reasons/reason.ts';
import { cutText } from '../../core/text.ts';
import type { RunContext } from '../../core/types.ts';
import { hopelessAnswer } from '../model/badAnswer.ts';
import { deepFreeze } from './rules.ts';
import type { Agent } from './types.ts';

/**
 * Returns the context for tools and rules. Anybody who can reach the server can start a run with any context, so each activity
 * parses it. Without a schema, it is what the run was started with.
 */
export async function parseContext(agent: Agent, given: RunContext = {}): Promise<RunContext> {
  if (!agent.context) return deepFreeze(given);
  const parsed = await agent.context.safeParseAsync(given);
  if (parsed.success) return deepFreeze(parsed.data);
  const problem = cutText(z.prettifyError(parsed.error), ERROR_CHARS_MAX);
  throw hopelessAnswer(reason('context_invalid', { agent: agent.name, problem }));
}
