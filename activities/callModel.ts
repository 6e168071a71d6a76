// The model activity: brings the transcript together, asks the model, and plans what it asked for.
import { Context } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import { MODEL_CALL } from '../core/limits.ts';
import { TRANSCRIPT_QUERY } from '../core/names.ts';
import type { Message, ModelAnswer, ModelCallInput, TranscriptPage } from '../core/types.ts';
import { recordOf } from './agentRecord.ts';
import { startPulse } from './heartbeat.ts';
import type { AnswerBuilder } from './model/answer.ts';
import { complete } from './model/complete.ts';
import type { ModelEndpoint } from './model/endpoint.ts';
import { planBatch } from './plan.ts';
import type { Registry } from './registry.ts';
import { stoppedFailure } from './stopped.ts';
import { createTranscripts, extend, markOf } from './transcripts.ts';

export type ModelHost = (input: ModelCallInput) => Promise<ModelAnswer>;

export function createModelHost(registry: Registry, endpoint: ModelEndpoint): ModelHost {
  const transcripts = createTranscripts();
  const askInTurn = oneAtATime();

  return async function callModel(input) {
    const { info, cancellationSignal: signal } = Context.current();
    const agent = registry.agent(input.agent);
    const pulse = startPulse(MODEL_CALL.heartbeatMs);
    try {
      const key = info.workflowExecution!.workflowId;
      const transcript = await transcripts.load(key, input, (from, limit) => askInTurn(() => askForPage(from, limit)));
      const system: Message = { role: 'system', content: agent.instructions };
      const answer = await complete(endpoint, agent, [system, ...transcript.messages], {
        signal,
        onProgress: (partial) => pulse.report(() => streamDetails(partial, info.attempt)),
      });
      const planned = await planBatch(agent, input.turn, transcript.messages, answer);
      const extended = extend(transcript, [planned.message]);
      transcripts.keep(key, extended);
      const record = recordOf(agent);
      return {
        ...planned,
        mark: markOf(extended),
        ...(record.digest !== input.recorded && { agent: record }),
        model: answer.model || endpoint.modelFor(agent),
        usage: answer.usage,
      };
    } catch (thrown) {
      throw thrown instanceof CancelledFailure ? stoppedFailure(thrown) : thrown;
    } finally {
      pulse.stop();
    }
  };
}

const ASK_DEADLINE_MS = 20_000;

/** A page of the transcript from the very workflow that waits for this activity. */
async function askForPage(from: number, limit: number): Promise<TranscriptPage> {
  const { info, client } = Context.current();
  const { workflowId, runId } = info.workflowExecution!;
  return client.withDeadline(Date.now() + ASK_DEADLINE_MS, () =>
    client.workflow.getHandle(workflowId, runId).query<TranscriptPage, [number, number]>(TRANSCRIPT_QUERY, from, limit),
  );
}

/** Queries of a process's own workflows go one at a time: with an empty workflow cache, three at once were seen to hang. */
function oneAtATime(): <T>(ask: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (ask) => {
    const mine = last.then(ask);
    last = mine.catch(() => undefined);
    return mine;
  };
}

const STREAM_CHARS_MAX = 4_000;
const STREAM_CALLS_MAX = 20;

/** The answer so far, as heartbeats carry it: its end, where that end begins, and the tools asked for last. */
export interface StreamDetails {
  readonly attempt: number;
  readonly offset: number;
  readonly text: string;
  readonly calls: readonly string[];
}

function streamDetails(answer: AnswerBuilder, attempt: number): StreamDetails {
  const text = answer.text();
  const calls = answer.calls();
  const offset = Math.max(0, text.length - STREAM_CHARS_MAX);
  return {
    attempt,
    offset,
    text: text.slice(offset),
    calls: calls.slice(-STREAM_CALLS_MAX).map(({ name }) => name.slice(0, 64)),
  };
}
