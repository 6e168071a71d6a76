// The size of a run's history, as the server counts it.
import type { Holdfast } from '../client/index.ts';

export async function historyBytes(holdfast: Holdfast, workflowId: string): Promise<{ events: number; bytes: number }> {
  const { historyLength, historySize } = await holdfast.get(workflowId).describe();
  return { events: historyLength, bytes: historySize ?? 0 };
}

/** The size of each history of the run, as the server counts it. */
export async function bytesOfHistories(holdfast: Holdfast, workflowId: string): Promise<number[]> {
  const { runId } = await holdfast.get(workflowId).read();
  const runIds = [runId];
  for await (const event of holdfast.get(workflowId).events()) if (event.type === 'continued') runIds.push(event.runId);
  const described = await Promise.all(
    runIds.map((id) => holdfast.client.workflow.getHandle(workflowId, id).describe()),
  );
  return described.map(({ historySize }) => historySize ?? 0);
}
