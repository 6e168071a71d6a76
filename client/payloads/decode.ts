// Decodes the payloads of histories, undoing codecs and stores, for the read model, `export` and replays.
import type { LoadedDataConverter, Payload, SerializationContext } from '@temporalio/common';
import { loadDataConverter } from '@temporalio/common/lib/internal-non-workflow/index.js';
import { SIGNAL_BYTES_MAX } from '../../core/limits.ts';
import { SIGNAL } from '../../core/names.ts';
import { type Failure, firstJson, type History, type HistoryEvent } from '../../core/read/history.ts';
import { dataConverter, type PayloadOptions } from './options.ts';
import { isForGood, toPayloadError } from './payloadError.ts';
import { toPlain, unreadable } from './plain.ts';
import {
  decode,
  retrieval,
  visit,
  walkDescribeWorkflowExecutionResponse,
  walkGetWorkflowExecutionHistoryResponse,
} from './sdk.ts';

/** The owner of the payloads. Codecs receive it, and may bind keys to it. */
export interface Owner {
  readonly namespace: string;
  readonly workflowId: string;
}

/** Returns a function that decodes the events of a history in place, page by page. */
export function eventDecoder(converter: LoadedDataConverter, owner: Owner) {
  const contextOf = createContexts(owner);
  const decodeEvents = (events: readonly HistoryEvent[]): Promise<void> => {
    // Our type declares only the fields that we read; the events have all of them.
    const root = { history: { events } } as unknown as Parameters<Walk>[0];
    return decodeIn(root, walkGetWorkflowExecutionHistoryResponse, converter, contextOf);
  };
  return async (events: readonly HistoryEvent[]): Promise<void> => {
    await decodeEvents(events.filter((event) => !signalOf(event)));
    // Anybody can send one, of any size.
    for (const event of events) {
      const signal = signalOf(event);
      if (!signal) continue;
      if (isRead(signal)) await decodeSignal(signal, () => decodeEvents([event]));
      else drop(signal, 'no run of an agent reads it');
    }
  };
}

type Signal = NonNullable<HistoryEvent['workflowExecutionSignaledEventAttributes']>;

const signalOf = ({ workflowExecutionSignaledEventAttributes: signal }: HistoryEvent) => signal;
const isRead = ({ signalName }: Signal) => signalName === SIGNAL.fromParent || signalName === SIGNAL.fromChild;

/** The run has dropped what cannot be read or is too large. */
async function decodeSignal(signal: Signal, decoding: () => Promise<void>): Promise<void> {
  try {
    await decoding();
  } catch (error) {
    if (!isForGood(error)) throw error;
    drop(signal, (error as Error).message);
  }
  if (signal.input?.payloads?.some(({ data }) => (data?.length ?? 0) > SIGNAL_BYTES_MAX))
    drop(signal, 'it is too large');
}

function drop(signal: Signal, why: string): void {
  Object.assign(signal, { input: { payloads: [unreadable(why)] } });
}

/** Decodes, in place, a recorded history that Temporal's tools or `holdfast export` wrote. */
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

/** Decodes, in place, the server's description of a run and its pending activities. */
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
  // Walkers differ only in the type of their root, and this is the one for a description.
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
  const { payloadCodecs, payloadConverter } = converter;
  const failures: CodedFailure[] = [];
  try {
    await visit(root, walk, retrieval(converter));
  } catch (error) {
    throw toPayloadError(error);
  }
  await visit<typeof root, SerializationContext | undefined>(root, walk, {
    transformPayload: async (payload, context) =>
      toPlain((await decode(payloadCodecs, [payload], context))[0]!, payloadConverter, context),
    transformPayloads: async (payloads, context) =>
      (await decode(payloadCodecs, payloads, context)).map((payload) => toPlain(payload, payloadConverter, context)),
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

/** Moves a failure's message and stack back from the payload in which the SDK put them for the codecs. */
function restore(failure: CodedFailure): void {
  const { data } = failure.encodedAttributes ?? {};
  if (!data) return;
  const { message, stack_trace } = Object(firstJson({ payloads: [{ data }] })) as Partial<Record<string, unknown>>;
  failure.message = String(message ?? failure.message);
  failure.stackTrace = String(stack_trace ?? '');
  failure.encodedAttributes = null;
}

/** Derives the owner of each event's payloads: an activity, a sub-agent's run, or the run. */
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
