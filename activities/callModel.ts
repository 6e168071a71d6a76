// The model activity: brings the transcript together, asks the model, and plans what it asked for.
import { Context } from '@temporalio/activity';
import type { AgentRecord, Message, ModelAnswer, ModelCallInput, PlanCallInput, PlannedCall } from '../core/types.ts';
import { NO_USAGE } from '../core/usage.ts';
import { recordOf } from './agentRecord.ts';
import type { Agent } from './define/defineAgent.ts';
import { guardAnswer, guardRequest } from './define/guardrails.ts';
import { checkOutput } from './define/output.ts';
import type { RawAnswer } from './model/answer.ts';
import { type Asking, askingModel, ruleContext } from './model/askingModel.ts';
import { complete } from './model/complete.ts';
import type { ModelEndpoint } from './model/endpoint.ts';
import { type Planned, planBatch, planCall } from './plan/plan.ts';
import type { Registry } from './registry.ts';
import { type AskForPage, extend, markOf, type Transcripts } from './transcript/transcripts.ts';

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
    return askingModel(registry, endpoint, input, async (agent, asking) => {
      const key = asking.ctx.workflowId;
      const transcript = await transcripts.load(key, input, ask);
      const { planned, asked } = await answerFor(agent, input, transcript.messages, asking);
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
        ...asking.spent.ofAnswer(asked),
      };
    });
  };

  /** `asked` is what the model said, where it was asked at all. */
  async function answerFor(
    agent: Agent,
    input: ModelCallInput,
    messages: readonly Message[],
    { ctx, needsPrice, sees }: Asking,
  ): Promise<{ readonly planned: Planned; readonly asked?: RawAnswer }> {
    const system: Message = { role: 'system', content: agent.instructions };
    const guarded = await guardRequest(agent, [system, ...messages], ctx);
    if ('instead' in guarded) return { planned: guarded.instead };
    needsPrice();
    const asked = await complete(endpoint, agent, guarded.messages, {
      signal: ctx.signal,
      onProgress: sees,
      warn: (message) => Context.current().log.warn(message),
    });
    const repairs = input.repairs ?? 0;
    const planned = await planBatch(agent, ctx, messages, asked);
    const allowed = await guardAnswer(agent.guardrails.afterModel, planned, repairs, ctx);
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
