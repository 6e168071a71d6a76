// Workflows of a company that has a worker, and adds agents to it.
import { proxyActivities } from '@temporalio/workflow';
import { runAgent } from '../../../workflows/index.ts';

const { lookUp, unheardOf } = proxyActivities<{
  lookUp(id: string): Promise<string>;
  unheardOf(): Promise<string>;
}>({ startToCloseTimeout: '30 s', retry: { maximumAttempts: 1 } });

/** An activity of theirs, then an agent. */
export async function handleOrder(id: string): Promise<string | null> {
  const order = await lookUp(id);
  return (await runAgent('greeter', order)).output;
}

export async function callUnregistered(): Promise<string> {
  return unheardOf();
}

/** A workflow for every type that has none, as the SDK has it. */
export default async function anyOther(): Promise<string> {
  return 'dynamic';
}
