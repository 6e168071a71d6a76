// Fetches histories from the server: whole, or as they grow.
import type { Client, Connection } from '@temporalio/client';
import { unlessAborted } from '../../core/abort.ts';
import type { HistoryEvent } from '../../core/read/history.ts';
import { grpcCode, isTooLarge } from '../errors/grpc.ts';
import { eventDecoder } from '../payloads/decode.ts';

export interface ExecutionRef {
  readonly workflowId: string;
  readonly runId?: string | undefined;
}

/** The server answers a long poll within about 20 s; after this, the connection is dead. */
const POLL_DEADLINE_MS = 70_000;

/** What a connection of this library receives. A page of history easily exceeds gRPC's default. */
export const MESSAGE_BYTES_MAX = 128 * 1024 * 1024;
const GRPC_BYTES_MAX = 4 * 1024 * 1024;
/** The name of the option, which the SDK misspells where it intends to set the same limit. */
export const RECEIVE_OPTION = 'grpc.max_receive_message_length';
/** Of the server: it has at most this many events in a page. */
const PAGE_EVENTS_MAX = 256;

/** Yields decoded events a page at a time: until the execution closes with `wait`, or up to the latest event without. */
export async function* historyPages(
  client: Client,
  { workflowId, runId }: ExecutionRef,
  { wait, signal }: { readonly wait: boolean; readonly signal?: AbortSignal | undefined },
): AsyncGenerator<readonly HistoryEvent[]> {
  const { namespace, loadedDataConverter } = client.options;
  const decode = eventDecoder(loadedDataConverter, { namespace, workflowId });
  let nextPageToken: Uint8Array | undefined;
  let maximumPageSize = await eventsPerPage(client, { workflowId, runId });
  for (;;) {
    const fetchPage = () =>
      client.withDeadline(Date.now() + POLL_DEADLINE_MS, () =>
        client.workflowService.getWorkflowExecutionHistory({
          namespace,
          execution: { workflowId, runId },
          waitNewEvent: wait,
          nextPageToken,
          maximumPageSize,
        }),
      );
    if (signal?.aborted) return;
    let page: Awaited<ReturnType<typeof fetchPage>>;
    try {
      // The SDK ignores a signal that is aborted before its call begins.
      page = await (signal ? unlessAborted(signal, client.withAbortSignal(signal, fetchPage)) : fetchPage());
    } catch (error) {
      if (signal?.aborted) return;
      // The poll timed out; the page token is still valid.
      if (wait && grpcCode(error) === 'deadlineExceeded') continue;
      // Large events that come together. The SDK has tried for most of a minute, so this is for what is rare.
      if (isTooLarge(error) && maximumPageSize !== 1) {
        maximumPageSize = Math.ceil((maximumPageSize ?? PAGE_EVENTS_MAX) / 8);
        continue;
      }
      throw error;
    }
    nextPageToken = page.nextPageToken?.length ? page.nextPageToken : undefined;
    const events = page.history?.events;
    if (events?.length) {
      await decode(events);
      yield events;
    }
    if (nextPageToken === undefined) return;
  }
}

/** How many events fit into a message of a given client's connection; undefined if the connection takes any page. */
async function eventsPerPage(client: Client, execution: ExecutionRef): Promise<number | undefined> {
  const { options } = client.connection as Partial<Connection>;
  // A worker's connection, which a client may share, has no such limit.
  if (!options) return undefined;
  const bytesMax = Number(options.channelArgs?.[RECEIVE_OPTION] ?? GRPC_BYTES_MAX);
  if (bytesMax < 0 || bytesMax >= MESSAGE_BYTES_MAX) return undefined;
  const { workflowExecutionInfo } = await describeRun(client, execution);
  const bytes = Number(workflowExecutionInfo?.historySizeBytes ?? 0);
  if (bytes < bytesMax / 2) return undefined;
  const events = Number(workflowExecutionInfo?.historyLength ?? PAGE_EVENTS_MAX);
  // The large events of a run come together: a quarter of it may have most of its bytes.
  return Math.min(PAGE_EVENTS_MAX, Math.max(1, Math.floor((events * bytesMax) / 8 / bytes)));
}

/** Describes an execution as it is now. Its payloads are still encoded. */
export function describeRun(client: Client, execution: ExecutionRef) {
  return client.workflowService.describeWorkflowExecution({ namespace: client.options.namespace, execution });
}
