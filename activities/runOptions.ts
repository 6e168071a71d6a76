// The options of an agent that may be functions of a run's context: instructions and budget. What they return is recorded with the
// agent, and holds from then on: the run's record is asked, and not the function, so that a turn adds nothing to history.
import { ApplicationFailure } from '@temporalio/common';
import { LRUCache } from 'lru-cache';
import { FAILURE } from '../core/names.ts';
import type { ReasonParameters } from '../core/reasons/codes.ts';
import { reason } from '../core/reasons/reason.ts';
import type { AgentRecord, Budget } from '../core/types.ts';
import { instructionsProblem } from './define/defineAgent.ts';
import { type RuleContext, runRule } from './define/rules.ts';
import type { Agent, FunctionOfContext } from './define/types.ts';

/** The options of an agent that a run may have of its own. */
export interface RunOptions {
  readonly instructions: string;
  readonly budget: Budget | undefined;
}

/** Queries the running workflow for the agent as it was last recorded. */
export type AskForAgent = () => Promise<AgentRecord | null>;

export interface RunOptionsReader {
  /** `recorded`: digest of the run's record; '' if it has none. `recordOf`: the record that the agent would have with these options. */
  read(
    agent: Agent,
    ctx: RuleContext,
    recorded: string,
    recordOf: (options: RunOptions) => AgentRecord,
  ): Promise<RunOptions>;
  /** Spares the query for what this worker has recorded itself. */
  keep(agent: Agent, record: AgentRecord): void;
}

/** Room for some thousand instructions of a page. */
const CACHE_BYTES = 8 * 1024 * 1024;

export function createRunOptions(ask: AskForAgent): RunOptionsReader {
  // By digest, which covers the options.
  const kept = new LRUCache<string, RunOptions>({
    maxSize: CACHE_BYTES,
    sizeCalculation: ({ instructions }) => 2 * instructions.length + 256,
  });

  /** Null if the run has recorded another agent, or this one before a deploy changed it. */
  async function recordedOptions(recorded: string, recordOf: (options: RunOptions) => AgentRecord) {
    if (recorded === '') return null;
    const options = kept.get(recorded) ?? optionsIn(await ask());
    if (!options || recordOf(options).digest !== recorded) return null;
    kept.set(recorded, options);
    return options;
  }

  return {
    async read(agent, ctx, recorded, recordOf) {
      const fixed = fixedOptions(agent);
      if (fixed) return fixed;
      const known = await recordedOptions(recorded, recordOf);
      if (known) return known;
      const { instructions: given, budget } = agent;
      const instructions = typeof given === 'function' ? await call(agent, 'instructions', given, ctx) : given;
      const problem = instructionsProblem(instructions);
      if (problem) throw functionFailed({ agent: agent.name, option: 'instructions', problem }, true);
      return { instructions, budget: budget ? await call(agent, 'budget', budget, ctx) : agent.rules.budget };
    },
    keep(agent, record) {
      const options = optionsIn(record);
      if (!fixedOptions(agent) && options) kept.set(record.digest, options);
    },
  };
}

/** Null if they depend on the run. */
export function fixedOptions({ instructions, budget, rules }: Agent): RunOptions | null {
  return typeof instructions === 'function' || budget ? null : { instructions, budget: rules.budget };
}

function optionsIn(record: AgentRecord | null): RunOptions | null {
  return record && { instructions: record.instructions, budget: record.rules.budget };
}

async function call<Value>(
  { name: agent }: Agent,
  option: 'instructions' | 'budget',
  given: FunctionOfContext<Value>,
  ctx: RuleContext,
): Promise<Value> {
  const result = await runRule(ctx, () => given(ctx.context, ctx));
  if (result.ok) return result.value;
  // What it reads may be back for another attempt.
  throw functionFailed({ agent, option, problem: result.error }, false);
}

function functionFailed(
  parameters: ReasonParameters['agent_function_failed'],
  nonRetryable: boolean,
): ApplicationFailure {
  const why = reason('agent_function_failed', parameters);
  return ApplicationFailure.create({ message: why.text, type: FAILURE.notReady, nonRetryable, details: [why] });
}
