// Every activity that a worker serves: the model, each tool under its own name, and the fallback.
import { Context } from '@temporalio/activity';
import { FALLBACK_ACTIVITY, MODEL_ACTIVITY, PLAN_ACTIVITY } from '../core/names.ts';
import type { AgentRecord } from '../core/types.ts';
import { createModelHost, createPlanHost, type ModelHost, type PlanHost } from './callModel.ts';
import type { ModelEndpoint } from './model/endpoint.ts';
import { notRegistered, type Registry } from './registry.ts';
import type { Threads } from './threads.ts';
import { createToolHost, type ToolHost } from './toolHost.ts';

export type Activities = Readonly<Record<string, ModelHost | PlanHost | ToolHost | (() => Promise<never>)>>;

export function createActivities(
  registry: Registry,
  endpoint: ModelEndpoint,
  threads: Threads,
  index: NonNullable<AgentRecord['index']>,
): Activities {
  const runTool = createToolHost(registry, threads);
  return {
    ...Object.fromEntries([...registry.toolNames].map((name) => [name, runTool])),
    [MODEL_ACTIVITY]: createModelHost(registry, endpoint, index),
    [PLAN_ACTIVITY]: createPlanHost(registry),
    [FALLBACK_ACTIVITY]: async () => {
      throw notRegistered(`The tool ${Context.current().info.activityType} is no longer registered; it did not run.`);
    },
  };
}
