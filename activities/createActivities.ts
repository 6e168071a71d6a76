// Every activity that a worker serves: the model, each tool under its own name, and the fallback.
import { Context } from '@temporalio/activity';
import { COMPACT_ACTIVITY, FALLBACK_ACTIVITY, MODEL_ACTIVITY, PLAN_ACTIVITY } from '../core/names.ts';
import type { AgentRecord } from '../core/types.ts';
import { createModelHost, createPlanHost, type ModelHost, type PlanHost, type Weigh } from './callModel.ts';
import { type CompactHost, createCompactHost } from './compact/compact.ts';
import type { ModelEndpoint } from './model/endpoint.ts';
import { notRegistered, type Registry } from './registry.ts';
import type { Threads } from './tools/threads.ts';
import { createToolHost, type ToolHost } from './tools/toolHost.ts';
import { createAskForPage } from './transcript/askForPage.ts';
import { createTranscripts } from './transcript/transcripts.ts';

export type Activities = Readonly<
  Record<string, ModelHost | PlanHost | CompactHost | ToolHost | (() => Promise<never>)>
>;

export function createActivities(
  registry: Registry,
  endpoint: ModelEndpoint,
  threads: Threads,
  index: NonNullable<AgentRecord['index']>,
  weigh: Weigh,
  transcriptCacheBytes?: number,
): Activities {
  const runTool = createToolHost(registry, threads);
  const transcripts = createTranscripts(transcriptCacheBytes);
  const ask = createAskForPage();
  return {
    ...Object.fromEntries([...registry.toolNames].map((name) => [name, runTool])),
    [MODEL_ACTIVITY]: createModelHost(registry, endpoint, index, transcripts, ask, weigh),
    [PLAN_ACTIVITY]: createPlanHost(registry),
    [COMPACT_ACTIVITY]: createCompactHost(registry, endpoint, transcripts, ask),
    [FALLBACK_ACTIVITY]: async () => {
      throw notRegistered(`The tool ${Context.current().info.activityType} is no longer registered; it did not run.`);
    },
  };
}
