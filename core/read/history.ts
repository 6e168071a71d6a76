// The part of a Temporal history that the read model reads, by shape: what the client fetches and what `export` wrote
// both fit. Nothing here knows Temporal's libraries.

export type LongLike = number | string | { toString(): string };

export interface Timestamp {
  readonly seconds?: LongLike | null;
  readonly nanos?: number | null;
}

export interface Payload {
  readonly metadata?: Readonly<Record<string, Uint8Array>> | null;
  readonly data?: Uint8Array | null;
}

export interface Payloads {
  readonly payloads?: readonly Payload[] | null;
}

export interface Failure {
  readonly message?: string | null;
  readonly cause?: Failure | null;
  readonly applicationFailureInfo?: { readonly type?: string | null; readonly details?: Payloads | null } | null;
  readonly timeoutFailureInfo?: {
    readonly timeoutType?: number | string | null;
    readonly lastHeartbeatDetails?: Payloads | null;
  } | null;
  readonly canceledFailureInfo?: object | null;
}

interface ActivityEnd {
  readonly scheduledEventId?: LongLike | null;
}

interface ChildEvent {
  readonly workflowExecution?: { readonly workflowId?: string | null } | null;
}

export interface HistoryEvent {
  readonly eventId?: LongLike | null;
  readonly eventTime?: Timestamp | null;
  readonly userMetadata?: { readonly summary?: Payload | null } | null;
  readonly workflowExecutionStartedEventAttributes?: {
    readonly workflowType?: { readonly name?: string | null } | null;
    readonly taskQueue?: { readonly name?: string | null } | null;
    readonly input?: Payloads | null;
    readonly memo?: { readonly fields?: Readonly<Record<string, Payload>> | null } | null;
    readonly workflowId?: string | null;
    readonly originalExecutionRunId?: string | null;
    readonly continuedExecutionRunId?: string | null;
    readonly firstExecutionRunId?: string | null;
    readonly parentWorkflowExecution?: { readonly workflowId?: string | null; readonly runId?: string | null } | null;
  } | null;
  readonly workflowTaskScheduledEventAttributes?: object | null;
  readonly workflowTaskStartedEventAttributes?: object | null;
  readonly workflowTaskTimedOutEventAttributes?: object | null;
  readonly workflowTaskCompletedEventAttributes?: { readonly startedEventId?: LongLike | null } | null;
  readonly workflowTaskFailedEventAttributes?: {
    readonly baseRunId?: string | null;
    readonly newRunId?: string | null;
  } | null;
  readonly activityTaskScheduledEventAttributes?: {
    readonly activityId?: string | null;
    readonly activityType?: { readonly name?: string | null } | null;
    readonly input?: Payloads | null;
  } | null;
  readonly activityTaskStartedEventAttributes?: {
    readonly scheduledEventId?: LongLike | null;
    readonly attempt?: number | null;
    readonly lastFailure?: Failure | null;
  } | null;
  readonly activityTaskCompletedEventAttributes?: (ActivityEnd & { readonly result?: Payloads | null }) | null;
  readonly activityTaskFailedEventAttributes?: (ActivityEnd & { readonly failure?: Failure | null }) | null;
  readonly activityTaskTimedOutEventAttributes?: (ActivityEnd & { readonly failure?: Failure | null }) | null;
  readonly activityTaskCanceledEventAttributes?: (ActivityEnd & { readonly details?: Payloads | null }) | null;
  readonly timerStartedEventAttributes?: object | null;
  readonly timerFiredEventAttributes?: { readonly startedEventId?: LongLike | null } | null;
  readonly workflowExecutionCancelRequestedEventAttributes?: object | null;
  readonly startChildWorkflowExecutionInitiatedEventAttributes?: {
    readonly workflowId?: string | null;
    readonly input?: Payloads | null;
  } | null;
  readonly startChildWorkflowExecutionFailedEventAttributes?: { readonly workflowId?: string | null } | null;
  readonly childWorkflowExecutionStartedEventAttributes?: ChildEvent | null;
  readonly childWorkflowExecutionCompletedEventAttributes?: (ChildEvent & { readonly result?: Payloads | null }) | null;
  readonly childWorkflowExecutionFailedEventAttributes?: (ChildEvent & { readonly failure?: Failure | null }) | null;
  readonly childWorkflowExecutionCanceledEventAttributes?: ChildEvent | null;
  readonly childWorkflowExecutionTimedOutEventAttributes?: ChildEvent | null;
  readonly childWorkflowExecutionTerminatedEventAttributes?: ChildEvent | null;
  readonly signalExternalWorkflowExecutionInitiatedEventAttributes?: ChildEvent | null;
  readonly workflowExecutionSignaledEventAttributes?: {
    readonly signalName?: string | null;
    readonly input?: Payloads | null;
  } | null;
  readonly workflowExecutionUpdateAcceptedEventAttributes?: {
    readonly acceptedRequest?: {
      readonly input?: { readonly name?: string | null; readonly args?: Payloads | null } | null;
    } | null;
  } | null;
  readonly workflowExecutionUpdateCompletedEventAttributes?: {
    readonly acceptedEventId?: LongLike | null;
    readonly outcome?: { readonly success?: Payloads | null } | null;
  } | null;
  readonly workflowPropertiesModifiedEventAttributes?: {
    readonly upsertedMemo?: { readonly fields?: Readonly<Record<string, Payload>> | null } | null;
  } | null;
  readonly workflowExecutionContinuedAsNewEventAttributes?: { readonly newExecutionRunId?: string | null } | null;
  readonly workflowExecutionCompletedEventAttributes?: { readonly result?: Payloads | null } | null;
  readonly workflowExecutionFailedEventAttributes?: { readonly failure?: Failure | null } | null;
  readonly workflowExecutionCanceledEventAttributes?: object | null;
  readonly workflowExecutionTerminatedEventAttributes?: { readonly reason?: string | null } | null;
  readonly workflowExecutionTimedOutEventAttributes?: object | null;
}

export interface History {
  readonly events?: readonly HistoryEvent[] | null;
}

export function timeMs(event: HistoryEvent): number {
  return timestampMs(event.eventTime);
}

/** Returns 0 for a time that is not set. */
export function timestampMs(time: Timestamp | null | undefined): number {
  const { seconds, nanos } = time ?? {};
  return Number(seconds?.toString() ?? 0) * 1_000 + Math.floor((nanos ?? 0) / 1_000_000);
}

export function eventId(id: LongLike | null | undefined): number {
  return Number(id?.toString() ?? 0);
}

/** Returns the JSON in the first payload; undefined if there is none or it is not plain JSON. */
export function firstJson(payloads: Payloads | null | undefined): unknown {
  return jsonAt(payloads, 0);
}

export function jsonAt(payloads: Payloads | null | undefined, index: number): unknown {
  const data = payloads?.payloads?.[index]?.data;
  if (!data?.length) return undefined;
  try {
    return JSON.parse(new TextDecoder().decode(data));
  } catch {
    return undefined;
  }
}
