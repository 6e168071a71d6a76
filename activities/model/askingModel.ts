// What the activities that ask a model have in common: heartbeats, the count of what their attempts have cost, and what is
// shown of an answer while it comes.
import { Context } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import { MODEL_CALL } from '../../core/limits.ts';
import { inWords } from '../../core/text.ts';
import type { ModelCallInput, Usage } from '../../core/types.ts';
import type { RuleContext } from '../define/rules.ts';
import type { Agent } from '../define/types.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { startPulse } from '../heartbeat.ts';
import { stoppedFailure } from '../stopped.ts';
import type { AnswerBuilder } from './answer.ts';
import { type AttemptCounter, countAttempts } from './attempts.ts';
import { badAnswer } from './modelFailure.ts';
import { streamDetails } from './streamDetails.ts';

export interface Asking {
  readonly ctx: RuleContext;
  readonly spent: AttemptCounter;
  /** Throws where the cost is limited and no price is known. */
  needsPrice(): void;
  /** The answer so far; with its usage, where requests before it are to count as well. */
  sees(partial: AnswerBuilder, usage?: () => Usage): void;
}

/** Does `work` as one attempt at a model call: whatever it throws says what all attempts have cost. */
export async function askingModel<T>(
  { registry, endpoint }: Pick<ActivityDependencies, 'registry' | 'endpoint'>,
  { agent: name, turn, priced }: Pick<ModelCallInput, 'agent' | 'turn' | 'priced'>,
  work: (agent: Agent, asking: Asking) => Promise<T>,
): Promise<T> {
  const { attempt } = Context.current().info;
  const pulse = startPulse(MODEL_CALL.heartbeatMs);
  const spent = countAttempts();
  // A heartbeat takes the place of the one before: it must not come without what that one said.
  if (attempt > 1) pulse.report(spent.heartbeat);
  // Given up here and not by the server, so that it counts as an attempt that failed.
  const late = new AbortController();
  const tooLate = () =>
    late.abort(badAnswer(`The model did not finish its answer within ${inWords(endpoint.timeoutMs)}.`));
  const timer = setTimeout(tooLate, endpoint.timeoutMs);
  try {
    const agent = registry.agent(name);
    spent.asks(agent, endpoint.modelFor(agent));
    const ctx = ruleContext(name, turn);
    return await work(agent, {
      ctx: { ...ctx, signal: AbortSignal.any([ctx.signal, late.signal]) },
      spent,
      needsPrice() {
        // Before its first answer, the run does not know of the agent's own budget.
        if (priced || agent.rules.budget?.cost !== undefined) spent.needsPrice();
      },
      sees(partial, usage = () => partial.usage()) {
        spent.sees({ usage });
        // What a guardrail has not seen, nobody else does.
        const shown = () => (agent.guardrails.afterModel ? {} : streamDetails(partial, attempt));
        pulse.report(() => ({ ...spent.heartbeat(), ...shown() }));
      },
    });
  } catch (thrown) {
    throw spent.lostWith(thrown instanceof CancelledFailure ? stoppedFailure(thrown) : thrown);
  } finally {
    clearTimeout(timer);
    pulse.stop();
  }
}

export function ruleContext(agent: string, turn: number): RuleContext {
  const { info, cancellationSignal: signal } = Context.current();
  return { agent, workflowId: info.workflowExecution?.workflowId ?? '', turn, signal };
}
