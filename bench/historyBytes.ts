// The size of a run's history, as the server counts it.
import type { Holdfast } from '../client/index.ts';

export async function historyBytes(holdfast: Holdfast, workflowId: string): Promise<{ events: number; bytes: number }> {
  const { historyLength, historySize } = await holdfast.get(workflowId).describe();
  return { events: historyLength, bytes: historySize ?? 0 };
}
