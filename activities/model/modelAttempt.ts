// Runs one attempt at a model call, for every activity that makes one: heartbeats, the timeout, the cost of all attempts, streamed text.
import { Context } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { MODEL_CALL } from '../../core/limits.ts';
import { FAILURE } from '../../core/names.ts';
import { reason } from '../../core/reasons/reason.ts';
import type { AgentRecord, ModelCallInput, RunContext, Usage } from '../../core/types.ts';
import { recordOf } from '../agentRecord.ts';
import { changedAgent } from '../changedAgent.ts';
import { parseContext } from '../define/context.ts';
import { noPrice, priceOf } from '../define/prices.ts';
import type { RuleContext } from '../define/rules.ts';
import type { Agent } from '../define/types.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { startHeartbeats } from '../heartbeat.ts';
import type { RunOptions } from '../runOptions.ts';
import { servedAgent } from '../servedAgent.ts';
import { createStopController } from '../stopController.ts';
import { stoppedFailure } from '../stoppedFailure.ts';
import type { AnswerBuilder } from './answer.ts';
import { type AttemptCounter, countAttempts } from './attempts.ts';
import { badAnswer } from './badAnswer.ts';
import type { ModelEndpoint } from './endpoint.ts';
import { streamDetails } from './streamDetails.ts';

export interface ModelAttempt {
  /** The one of the agent's models that this attempt asks. */
  readonly endpoint: ModelEndpoint;
  readonly ctx: RuleContext;
  readonly options: RunOptions;
  /** The agent's record with these options. */
  readonly record: AgentRecord;
  readonly attempts: AttemptCounter;
  /** Throws if the cost is limited, and the model or that of an agent that this one uses has no price. */
  requirePrice(): void;
  /** Reports the answer so far. `usage` is given if earlier requests of the attempt count too. */
  onProgress(partial: AnswerBuilder, usage?: () => Usage): void;
}

export type AttemptDependencies = Pick<
  ActivityDependencies,
  'registry' | 'models' | 'runOptions' | 'index' | 'hasLabels' | 'buildId'
>;

type AttemptInput = Pick<ModelCallInput, 'agent' | 'turn' | 'priced' | 'waited' | 'context' | 'changes'> &
  Partial<Pick<ModelCallInput, 'recorded'>>;

/** Runs `work` as one attempt at a model call. The failure that it throws has the cost of all attempts in its details. */
export async function runModelAttempt<T>(
  { registry, models, runOptions, index, hasLabels, buildId }: AttemptDependencies,
  { agent: name, turn, priced, waited, context: given, changes, recorded = '' }: AttemptInput,
  work: (agent: Agent, attempt: ModelAttempt) => Promise<T>,
): Promise<T> {
  const { attempt } = Context.current().info;
  const heartbeats = startHeartbeats(MODEL_CALL.heartbeatMs);
  const attempts = countAttempts(models.outageMs, waited);
  // Each heartbeat replaces the one before, so it must carry over the details of earlier attempts.
  if (attempt > 1) heartbeats.report(attempts.heartbeat);
  const stop = createStopController();
  let timer: NodeJS.Timeout | undefined;
  try {
    const served = await servedAgent(registry, name, turn, buildId);
    const agent = changes ? changedAgent(served, changes) : served;
    const endpoints = models.endpointsOf(agent, changes?.model);
    const endpoint = attempts.start(agent, endpoints);
    requireServer(models, agent, changes?.model);
    const { timeoutMs } = endpoint;
    // The timeout is ours, not the server's, so that it counts as a failed attempt.
    timer = setTimeout(() => stop.abort(badAnswer(reason('model_timed_out', { timeoutMs }))), timeoutMs);
    const context = await parseContext(agent, given);
    const ctx: RuleContext = { ...ruleContext(name, turn, context), signal: stop.signal };
    const asked = endpoints.map((one) => one.modelFor(agent));
    const recordWith = (options: RunOptions) => recordOf(agent, index, asked, options);
    const options = await runOptions.read(agent, ctx, recorded, recordWith);
    return await work(agent, {
      endpoint,
      ctx,
      options,
      // No part of the digest: a run that has begun needs no new record for it.
      record: { ...recordWith(options), ...(hasLabels && { labels: true }) },
      attempts,
      requirePrice() {
        // Before its first answer, the run does not know the agent's own budget.
        if (priced || options.budget?.cost !== undefined) attempts.requirePrice(noPriceBelow(agent, registry, models));
      },
      onProgress(partial, usage = () => partial.usage()) {
        attempts.observe({ usage });
        // Text that the guardrail has not checked is not shown to anyone.
        const shown = () => (agent.guardrails.afterModel ? {} : streamDetails(partial, attempt));
        heartbeats.report(() => ({ ...attempts.heartbeat(), ...shown() }));
      },
    });
  } catch (thrown) {
    throw attempts.failed(thrown instanceof CancelledFailure ? stoppedFailure(thrown) : thrown);
  } finally {
    clearTimeout(timer);
    stop.release();
    heartbeats.stop();
  }
}

/** A sub-agent or a handoff without a price would fail in the middle of a run that has cost something by then. */
function noPriceBelow(
  agent: Agent,
  { agents }: AttemptDependencies['registry'],
  models: AttemptDependencies['models'],
): ApplicationFailure | null {
  const used = new Set<Agent>([agent]);
  for (const one of used)
    for (const { subAgent, handoff } of one.tools.values())
      for (const other of [subAgent?.agent, handoff]) {
        const found = typeof other === 'string' ? agents.get(other) : other;
        if (found && found.name !== agent.name) used.add(found);
      }
  for (const other of used) {
    const model = models.endpointsOf(other)[0].modelFor(other);
    if (other !== agent && !priceOf(other.prices, model)) return noPrice(other.name, model);
  }
  return null;
}

/** The models of agents are checked when a worker starts; a fork may name any. */
function requireServer(models: AttemptDependencies['models'], agent: Agent, model: string | undefined): void {
  const problem = model === undefined ? null : models.problemOf(agent);
  if (problem === null || model === undefined) return;
  const why = reason('fork_model', { model, problem });
  throw ApplicationFailure.create({ message: why.text, type: FAILURE.notReady, nonRetryable: true, details: [why] });
}

export function ruleContext(agent: string, turn: number, context: RunContext): RuleContext {
  const { info, cancellationSignal: signal } = Context.current();
  return { agent, workflowId: info.workflowExecution?.workflowId ?? '', turn, context, signal };
}
