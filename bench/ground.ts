// The setup of the benchmarks: the server as `holdfast dev` starts it, on a database file, or a running one; one worker; and a
// scripted model.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { z } from 'zod';
import { type Agent, defineAgent, defineTool } from '../activities/index.ts';
import { createEndpoint, type ModelEndpoint } from '../activities/model/endpoint.ts';
import {
  offlineModel,
  type Script,
  type ScriptedModel,
  type ScriptedModelOptions,
  startScriptedModel,
} from '../activities/testing/index.ts';
import { connect, type Holdfast, type PayloadOptions } from '../client/index.ts';
import { newRunId } from '../client/runId.ts';
import { quietLogs } from '../test/support/quiet.ts';
import { startDevServer } from '../worker/dev/devServer.ts';
import { createWorker } from '../worker/index.ts';

export interface Ground {
  readonly address: string;
  readonly holdfast: Holdfast;
  readonly model: ScriptedModel;
  readonly endpoint: ModelEndpoint;
  /** From the client's start to the result. */
  runMs(agent: Agent, input?: string): Promise<{ ms: number; workflowId: string }>;
  close(): Promise<void>;
}

export interface GroundOptions extends Omit<ScriptedModelOptions, 'scripts'> {
  /** A server that is already running. */
  readonly at?: string | undefined;
  readonly payloads?: PayloadOptions;
}

export async function openGround(
  agents: readonly Agent[],
  scripts: Record<string, Script>,
  { at, payloads, ...modelOptions }: GroundOptions = {},
): Promise<Ground> {
  quietLogs();
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-'));
  const server =
    at === undefined
      ? await startDevServer({ dbFile: join(folder, 'temporal.db'), say: console.log })
      : { address: at, kill: async () => {} };
  const model = await startScriptedModel({ ...modelOptions, scripts });
  const { address } = server;
  const taskQueue = 'bench';
  const worker = await createWorker({
    agents,
    address,
    namespace: 'default',
    taskQueue,
    payloads,
    model: { apiKey: 'none', baseURL: model.baseURL },
  });
  const running = worker.run();
  const holdfast = await connect({ address, namespace: 'default', taskQueue, payloads });
  return {
    address,
    holdfast,
    model,
    endpoint: createEndpoint({ apiKey: 'none', baseURL: model.baseURL }),
    async runMs(agent, input = 'Go.') {
      const workflowId = `${agent.name}-${newRunId()}`;
      const startedMs = performance.now();
      const run = await holdfast.start(agent.name, input, { id: workflowId });
      const { status, reason } = await run.result();
      if (status !== 'completed') throw new Error(`${workflowId} ended ${status}: ${reason}`);
      return { ms: performance.now() - startedMs, workflowId };
    },
    async close() {
      worker.shutdown();
      await running;
      await Promise.all([holdfast.close(), model.close(), server.kill()]);
      await rm(folder, { recursive: true });
    },
  };
}

/** A tool that takes the given time and returns the given number of bytes. */
export const work = defineTool({
  name: 'work',
  description: 'Works.',
  input: z.object({ ms: z.number(), bytes: z.number().default(0) }),
  effect: 'read',
  async run({ ms, bytes }, { signal }) {
    if (ms > 0) await sleep(ms, undefined, { signal });
    return 'x'.repeat(bytes);
  },
});

/** An agent that makes the same batch `turns` times, then ends. */
export function loop(
  name: string,
  turns: number,
  calls: readonly { ms: number; bytes?: number }[],
  options: { parallel?: number; modelMs?: number } = {},
) {
  const { parallel = 5, modelMs = 0 } = options;
  const agent = defineAgent({
    name,
    model: offlineModel(name),
    instructions: 'You work.',
    tools: [work],
    maxTurns: turns + 1,
    parallel,
  });
  const script: Script = ({ turn }) =>
    turn > turns
      ? { text: 'Done.', delayMs: modelMs }
      : { calls: calls.map((args) => ({ tool: 'work', arguments: args })), delayMs: modelMs };
  return { agent, script };
}
