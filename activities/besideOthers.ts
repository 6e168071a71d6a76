// Activities of agents beside those of the user. Both may have one named `default`, which the SDK runs for every type that is not
// registered: ours is for the tools of agents.
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { FALLBACK_ACTIVITY, WORKFLOW_TYPE } from '../core/names.ts';
import type { Activities } from './createActivities.ts';

type Activity = (...args: unknown[]) => unknown;

export function besideOthers(ours: Activities, theirs: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const forAgents = ours[FALLBACK_ACTIVITY] as Activity;
  const forOthers = theirs[FALLBACK_ACTIVITY];
  const fallback: Activity = (...args) => {
    const { workflowType, activityType } = Context.current().info;
    if (workflowType === WORKFLOW_TYPE) return forAgents(...args);
    if (typeof forOthers === 'function') return forOthers(...args);
    // As the SDK says it where there is no such activity at all.
    throw ApplicationFailure.create({
      type: 'NotFoundError',
      message: `Activity function ${activityType} is not registered on this Worker.`,
    });
  };
  return { ...theirs, ...ours, [FALLBACK_ACTIVITY]: fallback };
}
