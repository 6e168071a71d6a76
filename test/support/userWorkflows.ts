// Workflows as a user would write them, beside the agents.
import { getExternalWorkflowHandle, proxyActivities } from '@temporalio/workflow';
import { runAgent } from '../../workflows/index.ts';

export async function greetBoth(first: string, second: string, taskQueue: string): Promise<(string | null)[]> {
  const results = await Promise.all([first, second].map((name) => runAgent('greeter', name, { taskQueue })));
  return results.map(({ output }) => output);
}

export async function statusOf(agent: string, taskQueue: string): Promise<string> {
  return (await runAgent(agent, 'Go.', { taskQueue })).status;
}

export async function outputFor(agent: string, tenant: string, taskQueue: string): Promise<string | null> {
  return (await runAgent(agent, 'Go.', { taskQueue, context: { tenant } })).output;
}

export async function labelled(agent: string, workflowId: string): Promise<string> {
  const options = { workflowId, labels: { tenant: 'Acme', case: '7' }, by: 'ann' };
  return (await runAgent(agent, 'Go.', options)).status;
}

export async function badlyLabelled(agent: string): Promise<string> {
  return (await runAgent(agent, 'Go.', { labels: { tenant: '' } })).status;
}

export async function cancelOther(workflowId: string): Promise<string> {
  return getExternalWorkflowHandle(workflowId)
    .cancel()
    .then(
      () => 'cancelled',
      (error: Error) => `${error.name}: ${error.message}`,
    );
}

export async function shouted(agent: string): Promise<string> {
  const { shout } = proxyActivities<{ shout(text: string): Promise<string> }>({ startToCloseTimeout: '1 m' });
  return shout((await runAgent(agent, 'Go.')).output ?? '');
}
