// What a parent learns of the end of a sub-agent's run.
import type { coresdk } from '@temporalio/proto';
import { type Attributes, type Fields, type HistoryEvent, long } from '../history.ts';
import type { Failure } from './activityRun.ts';

interface ChildFields {
  readonly namespace: string;
  readonly workflowExecution: { readonly workflowId: string; readonly runId: string };
  readonly workflowType: { readonly name: string };
  readonly initiatedEventId: number;
  readonly startedEventId: number;
}

interface ChildEnd {
  readonly name: Attributes;
  readonly fields: Fields<Attributes>;
  readonly resolution: coresdk.child_workflow.IChildWorkflowResult;
}

/** `last`: the event that closed the child. */
export function childEndOf(last: HistoryEvent, fields: ChildFields): ChildEnd {
  const wrapped = (cause: Failure, retryState = 0): Failure => ({
    message: 'Child Workflow execution failed',
    cause,
    childWorkflowExecutionFailureInfo: {
      ...fields,
      initiatedEventId: long(fields.initiatedEventId),
      startedEventId: long(fields.startedEventId),
      retryState,
    },
  });
  const {
    workflowExecutionCompletedEventAttributes: completed,
    workflowExecutionFailedEventAttributes: failed,
    workflowExecutionCanceledEventAttributes: canceled,
    workflowExecutionTimedOutEventAttributes: timedOut,
  } = last;
  if (completed) {
    const { result } = completed;
    const payload = result?.payloads?.[0];
    return {
      name: 'childWorkflowExecutionCompletedEventAttributes',
      fields: { ...fields, ...(result && { result }) },
      resolution: { completed: { ...(payload && { result: payload }) } },
    };
  }
  if (failed) {
    const { failure, retryState } = failed;
    return {
      name: 'childWorkflowExecutionFailedEventAttributes',
      fields: { ...fields, failure, retryState },
      resolution: { failed: { failure: wrapped(failure ?? {}, retryState ?? 0) } },
    };
  }
  if (canceled) {
    const failure = wrapped({ message: 'Child Workflow execution canceled', canceledFailureInfo: {} });
    return { name: 'childWorkflowExecutionCanceledEventAttributes', fields, resolution: { cancelled: { failure } } };
  }
  const [name, cause]: [Attributes, Failure] = timedOut
    ? [
        'childWorkflowExecutionTimedOutEventAttributes',
        { message: 'Child Workflow execution timed out', timeoutFailureInfo: { timeoutType: 1 } },
      ]
    : [
        'childWorkflowExecutionTerminatedEventAttributes',
        { message: 'Child Workflow execution terminated', terminatedFailureInfo: {} },
      ];
  return { name, fields, resolution: { failed: { failure: wrapped(cause) } } };
}
