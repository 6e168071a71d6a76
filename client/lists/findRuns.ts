// Finds runs by a visibility query of Temporal, which lists each execution of a run by itself.
import type { Client } from '@temporalio/client';
import { WORKFLOW_TYPE } from '../../core/names.ts';
import { unreachable } from '../errors/errors.ts';
import { grpcCode } from '../errors/grpc.ts';
import { executionIds } from '../histories/runHistories.ts';
import { lenientClient } from '../payloads/lenient.ts';
import { type RunHandle, runHandle } from '../runHandle.ts';

/** Yields each run once, however many of its executions the query finds. It keeps the ids that it has seen, and nothing else. */
export async function* findRuns(client: Client, address: string, query: string): AsyncGenerator<RunHandle> {
  const seen = new Set<string>();
  const { workflow } = lenientClient(client);
  const ofAgents = `WorkflowType = '${WORKFLOW_TYPE}'${query.trim() === '' ? '' : ` AND (${query})`}`;
  try {
    for await (const { workflowId, runId } of workflow.list({ query: ofAgents, pageSize: 100 })) {
      const first = await firstOf(client, workflowId, runId);
      // Deleted since it was listed.
      if (first === undefined || seen.has(`${workflowId}/${first}`)) continue;
      seen.add(`${workflowId}/${first}`);
      yield runHandle(client, address, workflowId, runId);
    }
  } catch (error) {
    throw grpcCode(error) === 'unavailable' ? unreachable(address, error) : error;
  }
}

async function firstOf(client: Client, workflowId: string, runId: string): Promise<string | undefined> {
  try {
    return (await executionIds(client, { workflowId, runId })).first;
  } catch (error) {
    if (grpcCode(error) !== 'notFound') throw error;
    return undefined;
  }
}
