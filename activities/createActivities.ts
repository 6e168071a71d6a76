// Every activity that a worker serves: model calls, planning, compaction, each tool under its own name, and the fallback.
import { Context } from '@temporalio/activity';
import { COMPACT_ACTIVITY, FALLBACK_ACTIVITY, MODEL_ACTIVITY, PLAN_ACTIVITY } from '../core/names.ts';
import { createAsk, createAskForAgent, createAskForPage } from './askRun.ts';
import { cachedAttachments } from './attachments/cache.ts';
import { createModelHost, createPlanHost, type ModelHost, type PlanHost } from './callModel.ts';
import { type CompactHost, createCompactHost } from './compact/compact.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { createRequestRecords } from './model/requestRecord.ts';
import { notRegistered } from './registry.ts';
import { createRunOptions } from './runOptions.ts';
import { createToolHost, type ToolHost } from './tools/toolHost.ts';
import { createTranscripts } from './transcript/transcripts.ts';

/** Dependencies that the worker supplies. Caches are created here. */
interface ActivitiesOptions
  extends Omit<ActivityDependencies, 'transcripts' | 'askForPage' | 'runOptions' | 'requests'> {
  /** @default 64 MiB */
  readonly transcriptCacheBytes: number | undefined;
}

export type Activities = Readonly<
  Record<string, ModelHost | PlanHost | CompactHost | ToolHost | (() => Promise<never>)>
>;

export function createActivities({ transcriptCacheBytes, ...rest }: ActivitiesOptions): Activities {
  const ask = createAsk();
  const dependencies: ActivityDependencies = {
    ...rest,
    attachments: cachedAttachments(rest.attachments),
    transcripts: createTranscripts(transcriptCacheBytes),
    askForPage: createAskForPage(ask),
    runOptions: createRunOptions(createAskForAgent(ask)),
    // Without a cache, none of what is sent is kept.
    requests: createRequestRecords(transcriptCacheBytes === 0 ? 0 : undefined),
  };
  const runTool = createToolHost(dependencies);
  return {
    ...Object.fromEntries([...rest.registry.toolNames].map((name) => [name, runTool])),
    [MODEL_ACTIVITY]: createModelHost(dependencies),
    [PLAN_ACTIVITY]: createPlanHost(dependencies),
    [COMPACT_ACTIVITY]: createCompactHost(dependencies),
    [FALLBACK_ACTIVITY]: async () => {
      throw notRegistered(`The tool ${Context.current().info.activityType} is no longer registered; it did not run.`);
    },
  };
}
