// The model activity: loads the transcript, calls the model, and plans the calls in its answer.
import { Context } from '@temporalio/activity';
import { ANSWER_PAYLOAD_BYTES_MAX } from '../core/limits.ts';
import { jsonBytes } from '../core/text.ts';
import type { AgentRecord, Message, ModelAnswer, ModelCallInput, PlanCallInput, PlannedCall } from '../core/types.ts';
import { NO_USAGE } from '../core/usage.ts';
import { loadAttachments } from './attachments/load.ts';
import { parseContext } from './define/context.ts';
import { guardAnswer, guardRequest } from './define/guardrails.ts';
import { checkOutput } from './define/output.ts';
import type { Agent } from './define/types.ts';
import type { ActivityDependencies } from './dependencies.ts';
import type { AttemptCounter } from './model/attempts.ts';
import { ruleContext, runModelAttempt } from './model/modelAttempt.ts';
import type { RecordOptions } from './model/requestRecord.ts';
import { type SentAnswer, streamAnswer } from './model/streamAnswer.ts';
import { planBatch, planCall } from './plan/plan.ts';
import type { Planned } from './plan/types.ts';
import type { RunOptions } from './runOptions.ts';
import { extend, markOf, type Transcript } from './transcript/transcripts.ts';

export type ModelHost = (input: ModelCallInput) => Promise<ModelAnswer>;

type ModelHostDependencies = Omit<ActivityDependencies, 'threads'>;

export function createModelHost(dependencies: ModelHostDependencies): ModelHost {
  const { transcripts, askForPage } = dependencies;

  return async function callModel(input) {
    return runModelAttempt(
      dependencies,
      input,
      async (agent, { ctx, endpoint, options, record: agentRecord, attempts, requirePrice, onProgress }) => {
        const repairs = input.repairs ?? 0;
        const transcript = await transcripts.load(ctx.workflowId, input, askForPage);
        const turn: Turn = { input, agent, agentRecord, workflowId: ctx.workflowId, transcript, attempts };

        const messages = withInstructions(options, transcript.messages);
        const request = await guardRequest(agent, messages, ctx);
        if ('instead' in request) return record(turn, request.instead, null, dependencies);

        requirePrice();
        const attachments = await loadAttachments(
          request.messages,
          dependencies.attachments,
          ctx.signal,
          agent.modelTakes,
        );
        const answer = await streamAnswer(endpoint, agent, request.messages, {
          signal: ctx.signal,
          attachments,
          onProgress,
          warn: (message) => Context.current().log.warn(message),
        });
        const planned = await planBatch(agent, ctx, transcript.messages, answer);
        const allowed = await guardAnswer(agent.guardrails.afterModel, planned, repairs, ctx);
        const checked = await checkOutput(agent.output, allowed, repairs);
        const { warning } = planned;
        return record(turn, { ...checked, ...(warning && { warning }) }, answer, dependencies, {
          messages,
          attachments,
          mayDiffer: request.messages !== messages || endpoint.body !== undefined,
          secrets: endpoint.secrets,
        });
      },
    );
  };
}

interface Turn {
  readonly input: ModelCallInput;
  readonly agent: Agent;
  readonly agentRecord: AgentRecord;
  readonly workflowId: string;
  /** Everything before this turn's answer. */
  readonly transcript: Transcript;
  readonly attempts: AttemptCounter;
}

function withInstructions({ instructions }: RunOptions, messages: readonly Message[]): readonly Message[] {
  return [{ role: 'system', content: instructions }, ...messages];
}

/** Caches the transcript for the next turn, and returns what goes into history. `answer` is null if the model was not called. */
async function record(
  { input, agent, agentRecord, workflowId, transcript, attempts }: Turn,
  planned: Planned,
  answer: SentAnswer | null,
  { transcripts, runOptions, requests, weigh }: ModelHostDependencies,
  asked?: Pick<RecordOptions, 'messages' | 'attachments' | 'mayDiffer' | 'secrets'>,
): Promise<ModelAnswer> {
  const extended = extend(transcript, [planned.message]);
  transcripts.keep(workflowId, extended);
  runOptions.keep(agent, agentRecord);
  const recorded: ModelAnswer = {
    ...planned,
    mark: markOf(extended),
    ...(input.weigh && { weight: await weigh(extended.messages, workflowId) }),
    ...(agentRecord.digest !== input.recorded && { agent: agentRecord }),
    model: answer ? answer.model || answer.asked : '',
    usage: answer?.usage ?? NO_USAGE,
    ...attempts.costOfAnswer(answer ?? undefined),
  };
  if (!answer || !asked) return recorded;
  const room = ANSWER_PAYLOAD_BYTES_MAX - jsonBytes(recorded);
  return {
    ...recorded,
    request: requests.record({ ...asked, workflowId, last: input.request, sent: answer.sent, room }),
  };
}

export type PlanHost = (input: PlanCallInput) => Promise<PlannedCall>;

/** Plans a call whose arguments a person edited. The agent's permissions apply to them too. */
export function createPlanHost({ registry }: Pick<ActivityDependencies, 'registry'>): PlanHost {
  return async ({ agent: name, tool, arguments: args, turn, context: given }) => {
    const agent = registry.agent(name);
    const ctx = ruleContext(name, turn, await parseContext(agent, given));
    const { planned, wire } = await planCall(agent, { name: tool, arguments: args }, ctx);
    if ('problem' in planned || planned.arguments !== undefined || wire === args) return planned;
    return { ...planned, arguments: wire };
  };
}
