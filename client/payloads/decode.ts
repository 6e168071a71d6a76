// Histories with their payloads as they were before codecs and stores: what the read model reads, `export` writes and a
// replay takes.
import type { LoadedDataConverter, Payload, SerializationContext } from '@temporalio/common';
import { loadDataConverter } from '@temporalio/common/lib/internal-non-workflow/index.js';
import type { Failure, History, HistoryEvent } from '../../core/read/history.ts';
import { PayloadUnreadable } from '../errors/errors.ts';
import { dataConverter, type PayloadOptions } from './options.ts';
import {
  decode,
  retrieval,
  visit,
  walkDescribeWorkflowExecutionResponse,
  walkGetWorkflowExecutionHistoryResponse,
} from './sdk.ts';

/** Whose payloads they are: codecs are told, and may have bound their keys to it. */
export interface Owner {
  readonly namespace: string;
  readonly workflowId: string;
}

/** Decodes the events of a history in place, page after page. */
export function eventDecoder(converter: LoadedDataConverter, owner: Owner) {
  const contextOf = createContexts(owner);
  return async (events: readonly HistoryEvent[]): Promise<void> => {
    // Our type names the few fields that are read; the events have all of them.
    const root = { history: { events } } as unknown as Parameters<Walk>[0];
    await decodeIn(root, walkGetWorkflowExecutionHistoryResponse, converter, contextOf);
  };
}

/** A recorded history, as Temporal's tools or `holdfast export` wrote it; decoded in place. */
export async function decodeHistory(
  history: History,
  options?: PayloadOptions,
  namespace = 'default',
): Promise<History> {
  const events = history.events ?? [];
  const workflowId = events[0]?.workflowExecutionStartedEventAttributes?.workflowId ?? '';
  await eventDecoder(loadDataConverter(dataConverter(options)), { namespace, workflowId })(events);
  return history;
}

/** What the server says of a run and its pending activities; decoded in place. */
export async function decodeDescription(
  description: object,
  converter: LoadedDataConverter,
  owner: Owner,
): Promise<void> {
  const contextOf: ContextOf = (message, typeName) => {
    if (typeName !== 'temporal.api.workflow.v1.PendingActivityInfo') return undefined;
    const { activityId } = message as { readonly activityId?: string };
    return { type: 'activity', ...owner, ...(activityId && { activityId }), isLocal: false };
  };
  // Walkers differ in what they walk only, and the root is what this one is for.
  const walk = walkDescribeWorkflowExecutionResponse as Walk;
  await decodeIn(description, walk, converter, contextOf, { type: 'workflow', ...owner });
}

type ContextOf = (message: object, typeName: string) => SerializationContext | undefined;
type Walk = typeof walkGetWorkflowExecutionHistoryResponse;

async function decodeIn(
  root: Parameters<Walk>[0],
  walk: Walk,
  converter: LoadedDataConverter,
  contextOf: ContextOf,
  initialContext?: SerializationContext,
): Promise<void> {
  const { payloadCodecs } = converter;
  const failures: CodedFailure[] = [];
  try {
    await visit(root, walk, retrieval(converter));
  } catch (error) {
    const { name, message } = error as Error;
    // The SDK has no class of its own for this one.
    const [, other] = /^No driver registered with name '(.*)'$/.exec(message) ?? [];
    if (other !== undefined) throw new PayloadUnreadable('storage_unknown', { store: other });
    if (name !== 'ExternalStorageNotConfiguredError') throw error;
    throw new PayloadUnreadable('storage_missing', {});
  }
  await visit<typeof root, SerializationContext | undefined>(root, walk, {
    transformPayload: async (payload, context) => (await decode(payloadCodecs, [payload], context))[0]!,
    transformPayloads: (payloads, context) => decode(payloadCodecs, payloads, context),
    initialContext,
    deriveContext(message, typeName, context) {
      if (typeName === 'temporal.api.failure.v1.Failure') failures.push(message);
      return contextOf(message, typeName) ?? context;
    },
    skipHeaders: true,
    skipSearchAttributes: true,
  });
  for (const failure of failures) restore(failure);
}

type CodedFailure = { -readonly [Key in keyof Failure]: Failure[Key] } & {
  encodedAttributes?: Payload | null;
  stackTrace?: string | null;
};

/** Codecs are only for payloads, so the SDK puts a failure's words into one; here they are where they are looked for. */
function restore(failure: CodedFailure): void {
  const { data } = failure.encodedAttributes ?? {};
  if (!data) return;
  const { message, stack_trace } = JSON.parse(new TextDecoder().decode(data));
  failure.message = message;
  failure.stackTrace = stack_trace;
  failure.encodedAttributes = null;
}

/** Whose the payloads of each event are: an activity's own, a sub-agent's, or the run's. */
function createContexts(owner: Owner): ContextOf {
  const activities = new Map<string, string>();
  return (message, typeName) => {
    if (typeName !== 'temporal.api.history.v1.HistoryEvent') return undefined;
    const event = message as HistoryEvent;
    const scheduled = event.activityTaskScheduledEventAttributes;
    if (scheduled) activities.set(String(event.eventId), scheduled.activityId ?? '');
    const ended =
      event.activityTaskStartedEventAttributes ??
      event.activityTaskCompletedEventAttributes ??
      event.activityTaskFailedEventAttributes ??
      event.activityTaskTimedOutEventAttributes ??
      event.activityTaskCanceledEventAttributes;
    const activityId = scheduled?.activityId ?? (ended && activities.get(String(ended.scheduledEventId)));
    if (activityId !== undefined && activityId !== null)
      return { type: 'activity', ...owner, ...(activityId && { activityId }), isLocal: false };
    return { type: 'workflow', namespace: owner.namespace, workflowId: childOf(event) ?? owner.workflowId };
  };
}

function childOf(event: HistoryEvent): string | null | undefined {
  const child =
    event.childWorkflowExecutionCompletedEventAttributes ??
    event.childWorkflowExecutionFailedEventAttributes ??
    event.childWorkflowExecutionCanceledEventAttributes ??
    event.childWorkflowExecutionTimedOutEventAttributes ??
    event.childWorkflowExecutionTerminatedEventAttributes ??
    event.signalExternalWorkflowExecutionInitiatedEventAttributes;
  return event.startChildWorkflowExecutionInitiatedEventAttributes?.workflowId ?? child?.workflowExecution?.workflowId;
}
