// A workflow interceptor of theirs: reports each activity that a workflow schedules, through a sink, as OpenTelemetry's does.
import { proxySinks, type Sinks, type WorkflowInterceptorsFactory, workflowInfo } from '@temporalio/workflow';

export interface SeenSinks extends Sinks {
  seen: { activity(workflowType: string, activityType: string): void };
}

const { seen } = proxySinks<SeenSinks>();

export const interceptors: WorkflowInterceptorsFactory = () => ({
  outbound: [
    {
      scheduleActivity(input, next) {
        seen.activity(workflowInfo().workflowType, input.activityType);
        return next(input);
      },
    },
  ],
});
