// The model activity: brings the transcript together, asks the model, and plans what it asked for.
import { Context } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import { MODEL_CALL } from '../core/limits.ts';
import type { AgentRecord, Message, ModelAnswer, ModelCallInput, PlanCallInput, PlannedCall } from '../core/types.ts';
import { NO_USAGE } from '../core/usage.ts';
import { recordOf } from './agentRecord.ts';
import { type AttemptCounter, countAttempts } from './attempts.ts';
import type { Agent } from './defineAgent.ts';
import { guardAnswer, guardRequest } from './guardrails.ts';
import { type Pulse, startPulse } from './heartbeat.ts';
import type { RawAnswer } from './model/answer.ts';
import { complete } from './model/complete.ts';
import type { ModelEndpoint } from './model/endpoint.ts';
import { checkOutput } from './output.ts';
import { type Planned, planBatch, planCall } from './plan.ts';
import type { Registry } from './registry.ts';
import type { RuleContext } from './rules.ts';
import { stoppedFailure } from './stopped.ts';
import { streamDetails } from './streamDetails.ts';
import { type AskForPage, extend, markOf, type Transcripts } from './transcripts.ts';

export type ModelHost = (input: ModelCallInput) => Promise<ModelAnswer>;

/** Bytes that a value of a run takes in a payload of its history. */
export type Weigh = (value: unknown, workflowId: string) => Promise<number>;

export function createModelHost(
  registry: Registry,
  endpoint: ModelEndpoint,
  index: NonNullable<AgentRecord['index']>,
  transcripts: Transcripts,
  ask: AskForPage,
  weigh: Weigh,
): ModelHost {
  return async function callModel(input) {
    const { info } = Context.current();
    const agent = registry.agent(input.agent);
    const pulse = startPulse(MODEL_CALL.heartbeatMs);
    const spent = countAttempts(agent, endpoint.modelFor(agent));
    // A heartbeat takes the place of the one before: it must not come without what that one said.
    if (info.attempt > 1) pulse.report(spent.heartbeat);
    try {
      const key = info.workflowExecution!.workflowId;
      const transcript = await transcripts.load(key, input, ask);
      const { planned, asked } = await answerFor(agent, input, transcript.messages, spent, pulse);
      const extended = extend(transcript, [planned.message]);
      transcripts.keep(key, extended);
      const record = recordOf(agent, index, endpoint.modelFor(agent));
      return {
        ...planned,
        mark: markOf(extended),
        ...(input.weigh && { weight: await weigh(extended.messages, key) }),
        ...(record.digest !== input.recorded && { agent: record }),
        model: asked ? asked.model || endpoint.modelFor(agent) : '',
        usage: asked?.usage ?? NO_USAGE,
        ...spent.ofAnswer(asked),
      };
    } catch (thrown) {
      throw spent.lostWith(thrown instanceof CancelledFailure ? stoppedFailure(thrown) : thrown);
    } finally {
      pulse.stop();
    }
  };

  /** `asked` is what the model said, where it was asked at all. */
  async function answerFor(
    agent: Agent,
    input: ModelCallInput,
    messages: readonly Message[],
    spent: AttemptCounter,
    pulse: Pulse,
  ): Promise<{ readonly planned: Planned; readonly asked?: RawAnswer }> {
    const { info, cancellationSignal: signal } = Context.current();
    const ctx = ruleContext(agent.name, input.turn);
    const { afterModel } = agent.guardrails;
    const system: Message = { role: 'system', content: agent.instructions };
    const guarded = await guardRequest(agent, [system, ...messages], ctx);
    if ('instead' in guarded) return { planned: guarded.instead };
    // Before its first answer, the run does not know of the agent's own budget.
    if (input.priced || agent.rules.budget?.cost !== undefined) spent.needsPrice();
    const asked = await complete(endpoint, agent, guarded.messages, {
      signal,
      onProgress(partial) {
        spent.sees(partial);
        // What a guardrail has not seen, nobody else does.
        const shown = () => (afterModel ? {} : streamDetails(partial, info.attempt));
        pulse.report(() => ({ ...spent.heartbeat(), ...shown() }));
      },
      warn: (message) => Context.current().log.warn(message),
    });
    const repairs = input.repairs ?? 0;
    const planned = await planBatch(agent, ctx, messages, asked);
    const allowed = await guardAnswer(afterModel, planned, repairs, ctx);
    return { planned: await checkOutput(agent.output, allowed, repairs), asked };
  }
}

export type PlanHost = (input: PlanCallInput) => Promise<PlannedCall>;

/** Plans a call whose arguments a person wrote: what is denied to the model is denied here as well. */
export function createPlanHost(registry: Registry): PlanHost {
  return async ({ agent: name, tool, arguments: args, turn }) => {
    const agent = registry.agent(name);
    const { planned } = await planCall(agent, { name: tool, arguments: args }, ruleContext(name, turn));
    return planned;
  };
}

function ruleContext(agent: string, turn: number): RuleContext {
  const { info, cancellationSignal: signal } = Context.current();
  return { agent, workflowId: info.workflowExecution?.workflowId ?? '', turn, signal };
}
