// Fetches histories from the server: whole, or as they grow.
import type { Client } from '@temporalio/client';
import { unlessAborted } from '../core/abort.ts';
import type { HistoryEvent } from '../core/read/history.ts';
import { grpcCode } from './errors/grpc.ts';
import { eventDecoder } from './payloads/decode.ts';

export interface ExecutionRef {
  readonly workflowId: string;
  readonly runId?: string | undefined;
}

/** The server answers a long poll within about 20 s; after this, the connection is dead. */
const POLL_DEADLINE_MS = 70_000;

/** Yields decoded events a page at a time: until the execution closes with `wait`, or up to the latest event without. */
export async function* historyPages(
  client: Client,
  { workflowId, runId }: ExecutionRef,
  { wait, signal }: { readonly wait: boolean; readonly signal?: AbortSignal | undefined },
): AsyncGenerator<readonly HistoryEvent[]> {
  const { namespace, loadedDataConverter } = client.options;
  const decode = eventDecoder(loadedDataConverter, { namespace, workflowId });
  let nextPageToken: Uint8Array | undefined;
  for (;;) {
    const fetchPage = () =>
      client.withDeadline(Date.now() + POLL_DEADLINE_MS, () =>
        client.workflowService.getWorkflowExecutionHistory({
          namespace,
          execution: { workflowId, runId },
          waitNewEvent: wait,
          nextPageToken,
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

/** Describes an execution as it is now. Its payloads are still encoded. */
export function describeRun(client: Client, execution: ExecutionRef) {
  return client.workflowService.describeWorkflowExecution({ namespace: client.options.namespace, execution });
}
