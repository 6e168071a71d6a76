// Histories as the server sends them: whole, or as they grow.
import type { Client } from '@temporalio/client';
import { unlessAborted } from '../core/abort.ts';
import type { HistoryEvent } from '../core/read/history.ts';
import { grpcCode } from './errors/grpc.ts';
import { eventDecoder } from './payloads/decode.ts';

export interface RunPlace {
  readonly workflowId: string;
  readonly runId?: string | undefined;
}

/** The server holds a long poll for 20 s or so; a call that hangs beyond this is a dead connection. */
const POLL_DEADLINE_MS = 70_000;

/**
 * The events of a run, decoded, a page at a time, as they come. With `wait` it ends with the run; without, with what is there.
 */
export async function* historyPages(
  client: Client,
  { workflowId, runId }: RunPlace,
  { wait, signal }: { readonly wait: boolean; readonly signal?: AbortSignal | undefined },
): AsyncGenerator<readonly HistoryEvent[]> {
  const { namespace, loadedDataConverter } = client.options;
  const decode = eventDecoder(loadedDataConverter, { namespace, workflowId });
  let nextPageToken: Uint8Array | undefined;
  for (;;) {
    const ask = () =>
      client.withDeadline(Date.now() + POLL_DEADLINE_MS, () =>
        client.workflowService.getWorkflowExecutionHistory({
          namespace,
          execution: { workflowId, runId },
          waitNewEvent: wait,
          nextPageToken,
        }),
      );
    if (signal?.aborted) return;
    let page: Awaited<ReturnType<typeof ask>>;
    try {
      // The SDK's call does not hear of a signal that is aborted before it has begun.
      page = await (signal ? unlessAborted(signal, client.withAbortSignal(signal, ask)) : ask());
    } catch (error) {
      if (signal?.aborted) return;
      // The poll's own end; the token still says where we are.
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

/** What the server says of a run as it is now, with payloads as they are kept. */
export function describeRun(client: Client, execution: RunPlace) {
  return client.workflowService.describeWorkflowExecution({ namespace: client.options.namespace, execution });
}
