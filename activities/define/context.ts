// The context of a run, as an agent's schema parses it, and a tool's.
import { ApplicationFailure } from '@temporalio/common';
import { ERROR_CHARS_MAX } from '../../core/limits.ts';
import { FAILURE } from '../../core/names.ts';
import { reason } from '../../core/reasons/reason.ts';
import { cutText } from '../../core/text.ts';
import type { RunContext } from '../../core/types.ts';
import { issuesText } from '../plan/arguments.ts';
import type { ApprovalRule } from './permissions.ts';
import { deepFreeze } from './rules.ts';
import type { Schema } from './schema.ts';
import type { Agent } from './types.ts';

/** The schemas of contexts that were parsed. The same schema may not be able to parse what its transforms have made. */
const parsedBy = new WeakMap<RunContext, unknown>();

/**
 * Returns the context for tools and rules. Anybody who can reach the server can start a run with any context, so each activity
 * parses it. Without a schema, it is what the run was started with.
 */
export async function parseContext({ name, context }: Agent, given: RunContext = {}): Promise<RunContext> {
  if (!context) return deepFreeze(given);
  const checked = await context.check(given);
  if (checked.ok) return parsed(checked.value, context);
  const problem = cutText(issuesText(checked.issues), ERROR_CHARS_MAX);
  const why = reason('context_invalid', { agent: name, problem });
  throw ApplicationFailure.create({ message: why.text, type: FAILURE.notReady, nonRetryable: true, details: [why] });
}

/** Returns the part of the agent's parsed context that the schema of a tool describes. Throws if it does not match. */
export async function contextOfTool(schema: Schema | undefined, context: RunContext): Promise<RunContext> {
  if (!schema || parsedBy.get(context) === schema.source) return context;
  const checked = await schema.check(context);
  if (checked.ok) return parsed(checked.value, schema);
  throw new TypeError(`the context of the run does not fit the tool: ${issuesText(checked.issues)}`);
}

function parsed(value: unknown, { source }: Schema): RunContext {
  // What the schema of an object allows is one.
  const context = deepFreeze(value as RunContext);
  parsedBy.set(context, source);
  return context;
}

/** The approval rule of a tool, which gets the context as the tool's schema parses it. */
export function ruleWithContext(rule: ApprovalRule, schema: Schema | undefined): ApprovalRule {
  if (!schema || typeof rule === 'string') return rule;
  if (typeof rule === 'object') {
    const { when } = rule;
    if (!when) return rule;
    return {
      ...rule,
      when: async (args, ctx) => when(args, { ...ctx, context: await contextOfTool(schema, ctx.context) }),
    };
  }
  return async (args, ctx) => rule(args, { ...ctx, context: await contextOfTool(schema, ctx.context) });
}
