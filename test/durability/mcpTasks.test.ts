// Tasks of MCP servers whose worker is killed, whose server is killed, or both: the task is found again, and never started again.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { RunHandle } from '../../client/index.ts';
import { toolCalls } from '../../core/read/run.ts';
import { everythingOverHttp, programOverHttp, type ServerOverHttp } from '../support/everythingServer.ts';
import { asked } from '../support/people.ts';
import { serverAddress } from '../support/server.ts';
import { toolTexts } from '../support/toolTexts.ts';
import { eventually } from '../support/waits.ts';
import { scripts } from './mcpTaskAgents.ts';
import { openCase } from './openCase.ts';

const cast = { module: new URL('./mcpTaskAgents.ts', import.meta.url), scripts };
const program = fileURLToPath(new URL('../support/taskServer.ts', import.meta.url));

describe('a task of an MCP server', () => {
  let address: string;
  let folder: string;
  const servers: ServerOverHttp[] = [];
  before(async () => {
    address = await serverAddress();
    folder = await mkdtemp(join(tmpdir(), 'holdfast-tasks-'));
  });
  after(async () => {
    await Promise.all(servers.map((server) => server.close()));
    await rm(folder, { recursive: true });
  });
  const kept = (server: ServerOverHttp) => {
    servers.push(server);
    return server;
  };
  const calls = async (id: string) =>
    (await readFile(join(folder, 'log'), 'utf8'))
      .split('\n')
      .filter((line) => line.startsWith('call ') && line.includes(`${id}/`)).length;

  async function startRun(agent: string, env: Record<string, string>, input = 'Go.') {
    // Workers inherit the environment.
    Object.assign(process.env, { FOLDER: folder, ONLY_AGENT: agent, ...env });
    const here = await openCase(address, cast);
    await here.worker();
    const run = await here.holdfast.start(agent, input, { id: `task-${agent}-${randomUUID()}` });
    return { here, run };
  }

  /** Starts the agent, and resolves once its task has been looked at. */
  async function begin(agent: string, env: Record<string, string>) {
    const { here, run } = await startRun(agent, env);
    await eventually(async () => {
      const { raw } = await here.holdfast.client.workflow.getHandle(run.workflowId).describe();
      return raw.pendingActivities?.some(({ activityId, attempt }) => activityId === '1.0' && (attempt ?? 0) >= 3);
    });
    return { here, run };
  }

  async function endOf(run: RunHandle) {
    await run.result();
    const read = await run.read();
    return { text: toolTexts(read)[0]!, kind: toolCalls(read)[0]!.kind };
  }

  test('program: survives its worker and its server, which die together', async () => {
    const { here, run } = await begin('program', {});
    await here.killAndReplace();
    assert.deepEqual(await endOf(run), { text: 'Over: "work"', kind: null });
    assert.equal(await calls(run.workflowId), 1);
    await here.close();
  });

  test('address: survives the worker, and the server that is away for a while', async () => {
    const server = kept(
      await programOverHttp((port) => ({ args: [program], env: { FOLDER: folder, PORT: String(port) } })),
    );
    const { here, run } = await begin('address', { TASKS_URL: server.url });
    await here.killAndReplace();
    await server.close();
    // Looks fail meanwhile.
    await eventually(async () => {
      const { raw } = await here.holdfast.client.workflow.getHandle(run.workflowId).describe();
      return raw.pendingActivities?.some(({ lastFailure }) => /cannot be/.test(lastFailure?.message ?? ''));
    });
    await server.start();
    assert.deepEqual(await endOf(run), { text: 'Over: "work"', kind: null });
    assert.equal(await calls(run.workflowId), 1);
    await here.close();
  });

  test('example: is found in the session of the worker that has died', async () => {
    const server = kept(await everythingOverHttp());
    const { here, run } = await begin('example', { EVERYTHING_URL: server.url });
    await here.killAndReplace();
    const { text, kind } = await endOf(run);
    assert.match(text, /^# Research Report: python\n/);
    assert.equal(kind, null);
    await here.close();
  });

  test('example: gets its answer from another worker than the one that it has asked', async () => {
    const server = kept(await everythingOverHttp());
    const { here, run } = await startRun('example', { EVERYTHING_URL: server.url }, 'Ask.');
    const [open] = await asked(run);
    await here.killAndReplace();
    const { call, digest } = open!;
    await run.decide({ call, digest, verdict: 'respond', text: '{"interpretation":"snake"}' });
    assert.match((await endOf(run)).text, /^# Research Report: python \(snake\)\n/);
    await here.close();
  });

  test('example: is over with a server that keeps it in memory', async () => {
    const server = kept(await everythingOverHttp());
    const { here, run } = await begin('example', { EVERYTHING_URL: server.url });
    await server.restart();
    const { text, kind } = await endOf(run);
    assert.match(text, /no longer knows the task of this call: .*Task not found/);
    assert.equal(kind, 'outcome_unknown');
    await here.close();
  });
});
