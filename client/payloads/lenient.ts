// A client that never fails to decode: one payload that this process cannot read must not hide all other runs. Anybody with
// access to the namespace may have written it.
import { Client, type Connection } from '@temporalio/client';
import type { Payload, SerializationContext } from '@temporalio/common';
import { toPlain } from './plain.ts';
import {
  bytesOf,
  decode,
  isReferencePayload,
  retrieval,
  visit,
  walkDescribeScheduleResponse,
  walkDescribeWorkflowExecutionResponse,
  walkGetWorkflowExecutionHistoryResponse,
  walkListSchedulesResponse,
  walkListWorkflowExecutionsResponse,
} from './sdk.ts';

/** Replaces a value that cannot be read. */
export const UNREADABLE = '(not readable here)';

type Context = SerializationContext | undefined;
type Service = Connection['workflowService'];
type Decoding = {
  [Name in
    | 'listWorkflowExecutions'
    | 'describeWorkflowExecution'
    | 'getWorkflowExecutionHistory'
    | 'listSchedules'
    | 'describeSchedule']: (request: Parameters<Service[Name]>[0]) => ReturnType<Service[Name]>;
};

/**
 * Returns a client whose lists and descriptions have `UNREADABLE` in place of what cannot be read. Values are decoded as soon
 * as they arrive: the SDK's own decoding ends with the first that fails.
 */
export function lenientClient({ connection, options }: Client): Client {
  const { namespace, loadedDataConverter: converter } = options;
  const { payloadCodecs, payloadConverter } = converter;
  const service = connection.workflowService as Service;
  const { transformPayload: retrieve } = retrieval(converter);

  async function readable(payload: Payload, context: Context): Promise<Payload> {
    try {
      const stored = await retrieve(payload);
      const decoded = (await decode(payloadCodecs, [stored], context))[0]!;
      // The SDK would look for what is stored inside of what was encoded.
      if (isReferencePayload(decoded)) return UNREADABLE_PAYLOAD;
      payloadConverter.fromPayload(decoded, context);
      return toPlain(decoded, payloadConverter, context);
    } catch {
      return UNREADABLE_PAYLOAD;
    }
  }

  async function decodeIn<Response>(
    response: Response,
    walk: Parameters<typeof visit<Response, Context>>[1],
    workflowId?: string | null,
  ): Promise<Response> {
    const owner = (id: string): Context => ({ type: 'workflow', namespace, workflowId: id });
    await visit<Response, Context>(response, walk, {
      transformPayload: readable,
      transformPayloads: (payloads, context) => Promise.all(payloads.map((payload) => readable(payload, context))),
      initialContext: workflowId ? owner(workflowId) : undefined,
      deriveContext(message, typeName, context) {
        const ownerId = ownerIn(message, typeName);
        return ownerId ? owner(ownerId) : context;
      },
      skipHeaders: true,
      skipSearchAttributes: true,
    });
    return response;
  }

  const decoding: Decoding = {
    listWorkflowExecutions: async (request) =>
      decodeIn(await service.listWorkflowExecutions(request), walkListWorkflowExecutionsResponse),
    describeWorkflowExecution: async (request) =>
      decodeIn(
        await service.describeWorkflowExecution(request),
        walkDescribeWorkflowExecutionResponse,
        request.execution?.workflowId,
      ),
    getWorkflowExecutionHistory: async (request) =>
      decodeIn(
        await service.getWorkflowExecutionHistory(request),
        walkGetWorkflowExecutionHistoryResponse,
        request.execution?.workflowId,
      ),
    listSchedules: async (request) => decodeIn(await service.listSchedules(request), walkListSchedulesResponse),
    describeSchedule: async (request) =>
      decodeIn(await service.describeSchedule(request), walkDescribeScheduleResponse),
  };
  const lenient = Object.assign(Object.create(service), decoding);
  // Plugins of the connection would have it decoded again.
  const changed = { workflowService: { value: lenient }, plugins: { value: [] } };
  return new Client({ connection: Object.create(connection, changed), namespace });
}

const UNREADABLE_PAYLOAD: Payload = {
  metadata: { encoding: bytesOf('json/plain') },
  data: bytesOf(JSON.stringify(UNREADABLE)),
};

/** The workflow id of the run that owns the payloads in a message, if the message names one. */
function ownerIn(message: object, typeName: string): string | null | undefined {
  switch (typeName) {
    case 'temporal.api.workflow.v1.WorkflowExecutionInfo':
      return (message as { execution?: { workflowId?: string | null } | null }).execution?.workflowId;
    // What a schedule starts.
    case 'temporal.api.workflow.v1.NewWorkflowExecutionInfo':
      return (message as { workflowId?: string | null }).workflowId;
    default:
      return undefined;
  }
}
