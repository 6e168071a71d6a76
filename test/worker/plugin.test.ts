// Agents in a worker and a client that exist: their connection, workflows, activities, interceptors, converter and bundle are used.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client, Connection, type WorkflowFailedError } from '@temporalio/client';
import { type Payload, type PayloadCodec, ValueError } from '@temporalio/common';
import {
  bundleWorkflowCode,
  DefaultLogger,
  type InjectedSinks,
  NativeConnection,
  Worker,
  type WorkerOptions,
  type WorkerPlugin,
} from '@temporalio/worker';
import { z } from 'zod';
import { defineAgent, defineTool } from '../../activities/index.ts';
import { offlineModel, type ScriptedModel, startScriptedModel } from '../../activities/testing/index.ts';
import { connect, type Holdfast } from '../../client/index.ts';
import { historyFromJson } from '../../worker/historyJson.ts';
import { createWorker, HoldfastPlugin } from '../../worker/index.ts';
import type { SeenSinks } from '../support/existing/interceptors.ts';
import { GOLDEN_FOLDER } from '../support/histories.ts';
import { quietLogs } from '../support/quiet.ts';
import { serverAddress } from '../support/server.ts';
import { eventually } from '../support/waits.ts';

const pathOf = (file: string) => fileURLToPath(new URL(`../support/existing/${file}`, import.meta.url));
const workflowsPath = pathOf('workflows.ts');

const shout = defineTool({
  name: 'shout',
  description: 'Shouts.',
  input: z.object({ text: z.string() }),
  effect: 'read',
  run: ({ text }) => text.toUpperCase(),
});
const greeter = defineAgent({
  name: 'greeter',
  model: offlineModel('greeter'),
  instructions: 'Greet.',
  tools: [shout],
  // The last text is too large to be left as it is by a client that compresses.
  offline: ({ turn, input, results }) =>
    turn === 1
      ? { calls: [{ tool: 'shout', arguments: { text: `hello, ${input}` } }] }
      : `${results[0]?.result}${input === 'large' ? 'x'.repeat(50_000) : ''}`,
});
const agents = [greeter];
const silent = new DefaultLogger('ERROR');
const activities = { lookUp: async (id: string) => `order ${id}` };

let address: string;
let connection: NativeConnection;
let clientConnection: Connection;
let model: ScriptedModel;

quietLogs();
before(async () => {
  address = await serverAddress();
  connection = await NativeConnection.connect({ address });
  clientConnection = await Connection.connect({ address });
  model = await startScriptedModel({ agents });
});
after(async () => {
  await model?.close();
  await clientConnection?.close();
  await connection?.close();
});

const ofModel = () => ({ apiKey: 'offline', baseURL: model.baseURL });
const pluginOf = (options = {}) => new HoldfastPlugin({ agents, model: ofModel(), ...options });

interface Theirs {
  readonly client: Client;
  readonly holdfast: Holdfast;
  readonly taskQueue: string;
  execute(type: string, args?: unknown[]): Promise<unknown>;
}

/** Runs their worker while `use` runs. */
async function withWorker(
  options: Partial<WorkerOptions>,
  use: (theirs: Theirs) => Promise<void>,
  client = new Client({ connection: clientConnection }),
): Promise<void> {
  const taskQueue = `existing-${randomUUID()}`;
  const worker = await Worker.create({ connection, taskQueue, ...options });
  await worker.runUntil(async () => {
    const holdfast = await connect({ client, taskQueue });
    await use({
      client,
      holdfast,
      taskQueue,
      execute: (type, args = []) =>
        client.workflow.execute(type, { taskQueue, workflowId: `own-${randomUUID()}`, args }),
    });
  });
}

async function greeted(holdfast: Holdfast, input = 'you'): Promise<string | null> {
  const run = await holdfast.start('greeter', input);
  const { status, output, reason } = await run.result();
  assert.equal(status, 'completed', reason ?? '');
  const { transcript, turns } = await run.read();
  assert.equal(turns.length, 2);
  assert.equal(transcript.at(-1)?.content, output);
  return output;
}

test('adds agents to a worker with workflows, activities and a default of either', async () => {
  const dynamic = { ...activities, default: async () => 'their default' };
  await withWorker({ workflowsPath, activities: dynamic, plugins: [pluginOf()] }, async ({ holdfast, execute }) => {
    assert.equal(await greeted(holdfast), 'HELLO, YOU');
    assert.equal(await execute('handleOrder', ['7']), 'HELLO, ORDER 7');
    assert.equal(await execute('callUnregistered'), 'their default');
    assert.equal(await execute('anythingElse'), 'dynamic');
  });
});

test('leaves the error of an activity that nobody has as the SDK has it', async () => {
  await withWorker({ workflowsPath, activities, plugins: [pluginOf()] }, async ({ execute }) => {
    await assert.rejects(execute('callUnregistered'), (error: WorkflowFailedError) => {
      assert.match(String(error.cause?.cause), /Activity function unheardOf is not registered on this Worker/);
      return true;
    });
  });
});

test('serves agents alone on a worker that has nothing else', async () => {
  await withWorker({ plugins: [pluginOf()] }, async ({ holdfast }) => {
    assert.equal(await greeted(holdfast), 'HELLO, YOU');
  });
});

test('serves a bundle of theirs, and refuses one without agents', async () => {
  const built = await bundleWorkflowCode({ workflowsPath, logger: silent, plugins: [new HoldfastPlugin()] });
  await withWorker({ workflowBundle: built, activities, plugins: [pluginOf()] }, async ({ holdfast, execute }) => {
    assert.equal(await greeted(holdfast), 'HELLO, YOU');
    assert.equal(await execute('handleOrder', ['8']), 'HELLO, ORDER 8');
  });
  // It has the code of agents, which its workflows import, but does not serve it.
  const without = await bundleWorkflowCode({ workflowsPath, logger: silent });
  await assert.rejects(Worker.create({ connection, taskQueue: 'q', workflowBundle: without, plugins: [pluginOf()] }), {
    message: /"workflowBundle" is a bundle without agents.*plugins: \[new HoldfastPlugin\(\)\]/,
  });
});

async function sizeOf(client: Client, workflowId: string) {
  const { workflowExecutionInfo } = await client.workflowService.describeWorkflowExecution({
    namespace: 'default',
    execution: { workflowId },
  });
  return { messages: Number(workflowExecutionInfo?.historySizeBytes) };
}

/** Collects what the interceptor of their workflows reports. */
function collectSeen() {
  const seen: string[] = [];
  const sinks: InjectedSinks<SeenSinks> = {
    seen: {
      activity: { fn: (_, workflowType, activityType) => void seen.push(`${workflowType}: ${activityType}`) },
    },
  };
  return { seen, sinks };
}
const OF_RUN = ['agent: callModel', 'agent: shout', 'agent: callModel'];

describe('runs their workflow interceptors in the runs of agents', () => {
  const interceptors = { workflowModules: [pathOf('interceptors.ts')] };

  test('beside their workflows', async () => {
    const { seen, sinks } = collectSeen();
    const options = { workflowsPath, activities, interceptors, sinks, plugins: [pluginOf()] };
    await withWorker(options, async ({ holdfast, execute }) => {
      await greeted(holdfast);
      assert.deepEqual(seen, OF_RUN);
      await execute('handleOrder', ['7']);
      assert.deepEqual(seen.slice(3), ['handleOrder: lookUp', ...OF_RUN]);
    });
  });

  test('without workflows, and from a plugin that comes after', async () => {
    const { seen, sinks } = collectSeen();
    const other: WorkerPlugin = {
      name: 'other',
      configureWorker: (options) => ({ ...options, interceptors }),
    };
    await withWorker({ sinks, plugins: [pluginOf(), other] }, async ({ holdfast }) => {
      await greeted(holdfast);
      assert.deepEqual(seen, OF_RUN);
    });
  });

  test('through createWorker, by a path that is relative to their workflows', async () => {
    for (const own of [{}, { workflowsPath }]) {
      const { seen, sinks } = collectSeen();
      const taskQueue = `existing-${randomUUID()}`;
      const modules = own.workflowsPath ? ['./interceptors.ts'] : interceptors.workflowModules;
      const worker = await createWorker({
        agents,
        address,
        taskQueue,
        model: ofModel(),
        ...own,
        temporal: { sinks, interceptors: { workflowModules: modules } },
      });
      await worker.worker.runUntil(async () => {
        const holdfast = await connect({ address, taskQueue });
        await greeted(holdfast);
        await holdfast.close();
      });
      assert.deepEqual(seen, OF_RUN);
    }
  });
});

/** A codec of theirs: turns the bits around, and refuses what it did not write. */
const flip: PayloadCodec = {
  encode: async (payloads) =>
    payloads.map(({ metadata, data }) => ({
      metadata: { encoding: Buffer.from('binary/flipped'), was: metadata!['encoding']! },
      data: data?.map((byte) => ~byte) ?? new Uint8Array(),
    })),
  decode: async (payloads) =>
    payloads.map(({ metadata, data }): Payload => {
      if (String(Buffer.from(metadata?.['encoding'] ?? [])) !== 'binary/flipped')
        throw new ValueError('This is not flipped.');
      return { metadata: { encoding: metadata!['was']! }, data: data!.map((byte) => ~byte) };
    }),
};

describe('writes and reads by their data converter', () => {
  const dataConverter = { payloadCodecs: [flip] };

  test('with codecs of theirs', async () => {
    const client = new Client({ connection: clientConnection, dataConverter });
    const plugins = [pluginOf()];
    await withWorker(
      { workflowsPath, activities, dataConverter, plugins },
      async ({ holdfast, execute }) => {
        assert.equal(await greeted(holdfast), 'HELLO, YOU');
        assert.equal((await greeted(holdfast, 'large'))?.length, 50_012);
        assert.equal(await execute('handleOrder', ['7']), 'HELLO, ORDER 7');
        const run = await holdfast.start('greeter', 'you');
        await run.result();
        // In plain, as it is on the server.
        const { history } = await clientConnection.workflowService.getWorkflowExecutionHistory({
          namespace: 'default',
          execution: { workflowId: run.workflowId },
        });
        const payloads = history!.events![0]!.workflowExecutionStartedEventAttributes!.input!.payloads!;
        assert.equal(String(Buffer.from(payloads[0]!.metadata!['encoding']!)), 'binary/flipped');
        // A signal that cannot be read, to each of the two: a run drops it, and neither is stuck.
        const stranger = new Client({ connection: clientConnection });
        const session = await holdfast.start('greeter', 'session', { session: true });
        await stranger.workflow.getHandle(session.workflowId).signal('fromParent', 'plain');
        await session.close();
        assert.equal((await session.result()).status, 'completed');
      },
      client,
    );
  });

  test('with codecs of theirs and payload options, on both sides', async () => {
    const payloads = { compressAbove: 1_000 };
    const client = new Client({
      connection: clientConnection,
      dataConverter,
      plugins: [new HoldfastPlugin({ payloads })],
    });
    await withWorker(
      { dataConverter, plugins: [pluginOf({ payloads })] },
      async ({ holdfast }) => {
        assert.equal((await greeted(holdfast, 'large'))?.length, 50_012);
      },
      client,
    );
  });

  test('with a payload converter of theirs', async () => {
    const company = { payloadConverterPath: pathOf('converter.ts') };
    const client = new Client({ connection: clientConnection, dataConverter: company });
    await withWorker(
      { workflowsPath, activities, dataConverter: company, plugins: [pluginOf()] },
      async ({ holdfast, execute }) => {
        assert.equal(await greeted(holdfast), 'HELLO, YOU');
        assert.equal(await execute('handleOrder', ['7']), 'HELLO, ORDER 7');
        await eventually(async () => (await holdfast.list({ limit: 5 })).some(({ agent }) => agent === 'greeter'));
      },
      client,
    );
  });

  test('and says so where their client cannot read what a worker compressed', async () => {
    const client = new Client({ connection: clientConnection });
    await withWorker(
      { plugins: [pluginOf({ payloads: {} })] },
      async ({ holdfast }) => {
        const run = await holdfast.start('greeter', 'large');
        const expected = {
          name: 'PayloadUnreadable',
          code: 'encoding_unknown',
          message: /binary\/gzip.*"dataConverter"/,
        };
        await assert.rejects(run.result(), expected);
        await assert.rejects(run.read(), expected);
      },
      client,
    );
  });

  test('and without payload options, reads what others have compressed and compresses nothing', async () => {
    await withWorker({ plugins: [pluginOf()] }, async ({ holdfast, taskQueue }) => {
      const compressing = await connect({ address, taskQueue });
      const run = await compressing.start('greeter', 'y'.repeat(60_000));
      assert.equal((await run.result()).output?.length, 60_007);
      await compressing.close();
      assert.equal((await greeted(holdfast, 'large'))?.length, 50_012);
    });
  });
});

test('replays histories with their bundle, interceptors and converter', async () => {
  const options = {
    sinks: collectSeen().sinks,
    workflowsPath,
    interceptors: { workflowModules: [pathOf('interceptors.ts')] },
    dataConverter: { payloadCodecs: [flip] },
  };
  const client = new Client({ connection: clientConnection, dataConverter: options.dataConverter });
  const histories: { workflowId: string; history: object }[] = [];
  await withWorker(
    { ...options, activities, plugins: [pluginOf()] },
    async ({ holdfast, execute, client: { workflow } }) => {
      const run = await holdfast.start('greeter', 'you');
      await run.result();
      await execute('handleOrder', ['9']);
      histories.push({ workflowId: run.workflowId, history: await workflow.getHandle(run.workflowId).fetchHistory() });
    },
    client,
  );
  const results = [];
  const replayed = Worker.runReplayHistories({ ...options, plugins: [new HoldfastPlugin()] }, histories as never);
  for await (const { error } of replayed) results.push(error);
  assert.deepEqual(results, [undefined]);
});

test('replays the recorded histories of agents beside their workflows and interceptors', async () => {
  const files = (await readdir(GOLDEN_FOLDER)).filter((name) => name.endsWith('.json'));
  const histories = files.map(async (name) => {
    const history = historyFromJson(await readFile(new URL(name, GOLDEN_FOLDER), 'utf8'));
    const { workflowId } = history.events![0]!.workflowExecutionStartedEventAttributes!;
    return { workflowId: workflowId ?? 'w', history };
  });
  const options = {
    workflowsPath,
    interceptors: { workflowModules: [pathOf('interceptors.ts')] },
    sinks: collectSeen().sinks,
    plugins: [new HoldfastPlugin()],
  };
  let replayed = 0;
  for await (const { workflowId, error } of Worker.runReplayHistories(
    options,
    (await Promise.all(histories)) as never,
  )) {
    assert.equal(error, undefined, workflowId);
    replayed++;
  }
  assert.ok(replayed >= 70, `${replayed} of them`);
});

test('collects stacks of workflow code beside workflows of theirs, unless it may not', async () => {
  for (const stackTraces of [undefined, false])
    await withWorker({ workflowsPath, plugins: [pluginOf({ stackTraces })] }, async ({ client, holdfast }) => {
      const run = await holdfast.start('greeter', 'you', { session: true });
      await run.pickedUp();
      const stack = await client.workflow.getHandle(run.workflowId).query<string>('__stack_trace');
      assert.equal(/\.ts:\d+/.test(stack), stackTraces === undefined, stack);
      await run.cancel();
    });
});

test('reads a history that is larger than a message of their connection', async () => {
  await withWorker({ plugins: [pluginOf()] }, async ({ holdfast, client }) => {
    const run = await holdfast.start('greeter', 'you', { session: true });
    const message = 'z'.repeat(200_000);
    for (let i = 0; i < 12; i++) await run.ask(message);
    await run.close();
    await run.result();
    const { messages } = await sizeOf(client, run.workflowId);
    assert.ok(messages > 4 * 1024 * 1024, `${messages} bytes`);
    const startedMs = Date.now();
    const { transcript } = await run.read();
    // The SDK tries again for 40 s what is too large for its connection.
    assert.ok(Date.now() - startedMs < 20_000);
    assert.equal(transcript.filter(({ content }) => content === message).length, 12);
  });
});

describe('refuses', () => {
  const create = (options: Partial<WorkerOptions>) =>
    Worker.create({ connection, taskQueue: `existing-${randomUUID()}`, ...options });

  test('an activity with the name of a tool or of an activity of ours', async () => {
    await assert.rejects(create({ activities: { shout: async () => 1 }, plugins: [pluginOf()] }), {
      message: /The activity "shout" of the worker has the name of the tool "shout" of the agent "greeter"/,
    });
    await assert.rejects(create({ activities: { callModel: async () => 1 }, plugins: [pluginOf()] }), {
      message: /The activity "callModel" of the worker/,
    });
    await assert.rejects(create({ plugins: [pluginOf(), pluginOf()] }), { message: /give all agents to one/ });
  });

  test('a worker without agents', async () => {
    await assert.rejects(create({ plugins: [new HoldfastPlugin()] }), { message: /HoldfastPlugin\(\{ agents/ });
  });

  test('a workflow of theirs named agent, where the code is bundled', async () => {
    const logged: string[] = [];
    const log = (message: string) => void logged.push(message);
    const logger = { log, trace: log, debug: log, info: log, warn: log, error: log };
    const path = pathOf('agentWorkflow.ts');
    await assert.rejects(bundleWorkflowCode({ workflowsPath: path, logger, plugins: [new HoldfastPlugin()] }));
    assert.match(logged.join('\n'), /agentWorkflow\.ts exports a workflow named "agent".*Rename yours/);
    // Ours, which they export as well, is the same.
    const reexported = pathOf('reexported.ts');
    await bundleWorkflowCode({ workflowsPath: reexported, logger: silent, plugins: [new HoldfastPlugin()] });
  });

  test('two stores, and payload options that are none', async () => {
    const storage = { name: 's', type: 's', store: async () => [], retrieve: async () => [] };
    assert.throws(() => pluginOf({ payloads: { compressAbove: -1 } }), { name: 'InvalidPayloads' });
    const { ExternalStorage } = await import('@temporalio/common');
    const dataConverter = { externalStorage: new ExternalStorage({ drivers: [storage] }) };
    const options = { connection: clientConnection, dataConverter, plugins: [pluginOf({ payloads: { storage } })] };
    assert.throws(() => new Client(options), { code: 'storage_twice' });
  });
});

/** Only for its types. */
export const refusedTypes = (client: Client) => [
  // @ts-expect-error: payloads are the client's data converter
  connect({ client, payloads: {} }),
  // @ts-expect-error: agents are made with defineAgent
  new HoldfastPlugin({ agents: ['greeter'] }),
  // @ts-expect-error: the plugin has no queue: it is the worker's
  new HoldfastPlugin({ agents, taskQueue: 'q' }),
  // @ts-expect-error: createWorker takes payloads; for a converter of one's own there is Worker.create
  createWorker({ agents, temporal: { dataConverter: {} } }),
];

test('keeps the options of their worker, and sets only what they have not', async () => {
  const plugin = pluginOf();
  const theirs = {
    shutdownGraceTime: '1 s',
    maxEagerActivityReservationsPerWorkflowTask: 1,
    stickyQueueScheduleToStartTimeout: '7 s',
    maxHeartbeatThrottleInterval: '9 s',
  } as const;
  const pick = ({ options }: Worker) => ({
    grace: options.shutdownGraceTimeMs,
    eager: options.maxEagerActivityReservationsPerWorkflowTask,
    sticky: options.stickyQueueScheduleToStartTimeoutMs,
    heartbeat: options.maxHeartbeatThrottleIntervalMs,
  });
  const kept = await Worker.create({ connection, taskQueue: 'kept', ...theirs, plugins: [plugin] });
  const set = await Worker.create({ connection, taskQueue: 'set', plugins: [plugin] });
  try {
    assert.deepEqual(pick(kept), { grace: 1_000, eager: 1, sticky: 7_000, heartbeat: 9_000 });
    assert.deepEqual(pick(set), { grace: 10_000, eager: 16, sticky: 2_000, heartbeat: 500 });
  } finally {
    // A worker has to run before it can end.
    await Promise.all([kept, set].map((worker) => worker.runUntil(Promise.resolve())));
  }
});

/** Ports on which this process listens, whether or not they keep it alive. */
function listening(): number[] {
  const { libuv } = process.report.getReport() as {
    libuv: { type: string; localEndpoint?: { port: number } | null; remoteEndpoint?: object | null }[];
  };
  const servers = libuv.filter(
    ({ type, localEndpoint, remoteEndpoint }) => type === 'tcp' && localEndpoint && !remoteEndpoint,
  );
  return servers.map(({ localEndpoint }) => localEndpoint!.port);
}

test('closes the offline model of a worker when its run ends, and not that of another', async () => {
  const plugin = new HoldfastPlugin({ agents, model: {} });
  const description = () => plugin.model?.isOffline;
  assert.equal(description(), undefined);
  const before = listening();
  const first = await Worker.create({ connection, taskQueue: 'first', plugins: [plugin] });
  const ofFirst = listening().filter((port) => !before.includes(port));
  const second = await Worker.create({ connection, taskQueue: 'second', plugins: [plugin] });
  const ofSecond = listening().filter((port) => ![...before, ...ofFirst].includes(port));
  assert.equal(description(), true);
  assert.deepEqual([ofFirst.length, ofSecond.length], [1, 1]);
  await first.runUntil(Promise.resolve());
  assert.ok(!listening().includes(ofFirst[0]!) && listening().includes(ofSecond[0]!));
  await second.runUntil(Promise.resolve());
  assert.ok(!listening().includes(ofSecond[0]!));
});

test('registered with a connection as well, changes a worker and a client once', async () => {
  const payloads = { codecs: [flip] };
  const plugin = pluginOf({ payloads });
  const both = await NativeConnection.connect({ address, plugins: [plugin] });
  const forClient = await Connection.connect({ address, plugins: [plugin] });
  try {
    await withWorker(
      { connection: both, plugins: [plugin] },
      async ({ holdfast }) => {
        assert.equal(await greeted(holdfast), 'HELLO, YOU');
        assert.ok((await holdfast.list({ limit: 1 })).length === 1);
      },
      new Client({ connection: forClient, plugins: [plugin] }),
    );
  } finally {
    await forClient.close();
    await both.close();
  }
});

test('changes nothing of the SDK without a store of its own', async () => {
  const script = `
    import { createRequire } from 'node:module';
    import { NativeConnection, Worker } from '@temporalio/worker';
    import { defineAgent } from './activities/index.ts';
    import { connect } from './client/index.ts';
    import { HoldfastPlugin } from './worker/index.ts';
    const require = createRequire(createRequire(import.meta.url).resolve('@temporalio/common'));
    const sdk = () => Object.entries({
      ...require('./internal-non-workflow/extstore-helpers'), run: Worker.prototype.run, create: Worker.create,
    });
    const agents = [defineAgent({ name: 'a', model: 'm', instructions: 'Do.' })];
    const before = sdk();
    const connection = await NativeConnection.connect({ address: '${address}' });
    const changed = () => sdk().filter(([name, value], i) => before[i][1] !== value).map(([name]) => name);
    const serve = async (options) => {
      const plugins = [new HoldfastPlugin({ agents, model: {}, ...options })];
      await (await Worker.create({ connection, taskQueue: 'sdk', plugins })).runUntil(Promise.resolve());
    };
    await serve({ payloads: { compressAbove: 1 } });
    const without = changed();
    const storage = { name: 's', type: 's', store: async () => [], retrieve: async () => [] };
    await serve({ payloads: { storage } });
    console.log(JSON.stringify({ without, withStore: changed() }));
    // Neither is run: the offline model must not keep the process alive.
    await Worker.create({ connection, taskQueue: 'sdk', activities: {}, workflowBundle: { code: '' },
      plugins: [new HoldfastPlugin({ agents, model: {} })] }).catch(() => undefined);
    await Worker.create({ connection, taskQueue: '__temporal_reserved',
      plugins: [new HoldfastPlugin({ agents, model: {} })] }).catch(() => undefined);
    await connection.close();
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: new URL('../..', import.meta.url),
    timeout: 60_000,
  });
  assert.deepEqual(JSON.parse(stdout), {
    without: [],
    // Where npm installed two copies of protobufjs, the SDK's own throw: docs/decisions/0033-beside-what-exists.md.
    withStore: ['decodeReferencePayload', 'encodeReferencePayload'],
  });
});

describe('connect({ client })', () => {
  test('does not close a connection that it did not open', async () => {
    const client = new Client({ connection: clientConnection, namespace: 'default' });
    const holdfast = await connect({ client, taskQueue: 'some' });
    assert.equal(holdfast.client, client);
    assert.deepEqual([holdfast.namespace, holdfast.taskQueue, holdfast.address], ['default', 'some', address]);
    await holdfast.close();
    await clientConnection.workflowService.getSystemInfo({});
  });

  test('refuses options that the client has, what is no client, and a namespace that is not there', async () => {
    const client = new Client({ connection: clientConnection });
    // @ts-expect-error: the client has one
    await assert.rejects(connect({ client, address }), {
      name: 'InvalidConnect',
      message: /Remove the option "address"/,
    });
    await assert.rejects(connect({ client: {} } as never), { name: 'InvalidConnect', code: 'client_invalid' });
    const nowhere = new Client({ connection: clientConnection, namespace: 'nowhere' });
    await assert.rejects(connect({ client: nowhere }), { code: 'namespace_missing' });
  });

  test('uses the interceptors of the client, and a connection of a worker', async () => {
    const started: string[] = [];
    const client = new Client({
      connection,
      interceptors: {
        workflow: [
          {
            start(input, next) {
              started.push(input.workflowType);
              return next(input);
            },
          },
        ],
      },
    });
    await withWorker(
      { plugins: [pluginOf()] },
      async ({ holdfast }) => {
        assert.equal(await greeted(holdfast), 'HELLO, YOU');
        const { waiting } = await holdfast.inbox();
        assert.ok(Array.isArray(waiting));
        const id = `nightly-${randomUUID()}`;
        await holdfast.schedules.add(id, { agent: 'greeter', input: 'you', every: '1 day' });
        assert.equal((await holdfast.schedules.get(id)).agent, 'greeter');
        await holdfast.schedules.remove(id);
      },
      client,
    );
    assert.deepEqual(started, ['agent']);
  });
});
