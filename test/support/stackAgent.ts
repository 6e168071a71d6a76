// An agent whose only call asks its own run for its call stack, as Temporal's UI does.
import { z } from 'zod';
import { defineTool } from '../../activities/index.ts';
import type { Bench } from './bench.ts';

export function stackAgent(bench: Bench) {
  const look = defineTool({
    name: 'look',
    description: 'Reads the call stack of its run.',
    input: z.object({}),
    effect: 'read',
    run: (_, { workflowId }) => bench.holdfast.client.workflow.getHandle(workflowId).query<string>('__stack_trace'),
  });
  return bench.agent({
    tools: [look],
    script: [{ calls: [{ tool: 'look' }] }, ({ results }) => String(results[0]?.result)],
  });
}
