// Spans of Temporal's OpenTelemetry plugin, beside agents: the start, the workflow and its activities are one trace.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { Resource } from '@opentelemetry/resources';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { Client, Connection } from '@temporalio/client';
import { OpenTelemetryPlugin } from '@temporalio/interceptors-opentelemetry';
import { NativeConnection, Worker } from '@temporalio/worker';
import { z } from 'zod';
import { asTool, defineAgent, defineTool } from '../../activities/index.ts';
import { offlineModel, type ScriptedModel, startScriptedModel } from '../../activities/testing/index.ts';
import { connect } from '../../client/index.ts';
import { createWorker, HoldfastPlugin } from '../../worker/index.ts';
import { quietLogs } from '../support/quiet.ts';
import { serverAddress } from '../support/server.ts';
import { eventually } from '../support/waits.ts';

const shout = defineTool({
  name: 'shout',
  description: 'Shouts.',
  input: z.object({ text: z.string() }),
  effect: 'read',
  // A span of the tool's own belongs to its call.
  run: ({ text }) =>
    trace.getTracer('tool').startActiveSpan('shouting', (span) => {
      span.end();
      return text.toUpperCase();
    }),
});
const shouter = defineAgent({
  name: 'shouter',
  model: offlineModel('shouter'),
  instructions: 'Shout.',
  tools: [shout],
  offline: [{ calls: [{ tool: 'shout', arguments: { text: 'hello' } }] }, 'Done.'],
});
const boss = defineAgent({
  name: 'boss',
  model: offlineModel('boss'),
  instructions: 'Have it shouted.',
  tools: [asTool(shouter, { description: 'Shouts.' })],
  offline: [{ calls: [{ tool: 'shouter', arguments: { input: 'Go.' } }] }, 'Done.'],
});
const agents = [boss];

const exporter = new InMemorySpanExporter();
const spanProcessor = new SimpleSpanProcessor(exporter);
const resource = new Resource({ 'service.name': 'shop' });
const provider = new BasicTracerProvider({ resource, spanProcessors: [spanProcessor] });
const otel = () => new OpenTelemetryPlugin({ resource, spanProcessor });

quietLogs();
let address: string;
let model: ScriptedModel;
before(async () => {
  provider.register({ contextManager: new AsyncLocalStorageContextManager() });
  address = await serverAddress();
  model = await startScriptedModel({ agents: [boss, shouter] });
});
after(async () => {
  await model?.close();
  await provider.shutdown();
  for (const api of [trace, context, propagation]) api.disable();
});

/** The paths of the spans of a trace, from its first one on, once both runs have ended. */
async function pathsOf(traceId: string): Promise<string[]> {
  const spans = await eventually(async () => {
    const found = exporter.getFinishedSpans().filter((span) => span.spanContext().traceId === traceId);
    return found.filter(({ name }) => name === 'RunWorkflow:agent').length === 2 && found;
  });
  const pathOf = (span: ReadableSpan): string => {
    const parent = spans.find((one) => one.spanContext().spanId === span.parentSpanId);
    return parent ? `${pathOf(parent)} > ${span.name}` : span.name;
  };
  return [...new Set(spans.map(pathOf))].sort();
}

/** Starts a run as a part of a request, and returns the paths of its trace. */
async function traced(taskQueue: string): Promise<string[]> {
  const connection = await Connection.connect({ address });
  const holdfast = await connect({ client: new Client({ connection, plugins: [otel()] }), taskQueue });
  try {
    const traceId = await trace.getTracer('shop').startActiveSpan('request', async (request) => {
      const run = await holdfast.start(boss, 'Go.');
      assert.equal((await run.result()).status, 'completed');
      request.end();
      return request.spanContext().traceId;
    });
    return await pathsOf(traceId);
  } finally {
    await connection.close();
  }
}

const RUN = 'request > StartWorkflow:agent > RunWorkflow:agent';
const CHILD = `${RUN} > StartChildWorkflow:agent > RunWorkflow:agent`;
const EXPECTED = [
  'request',
  'request > StartWorkflow:agent',
  RUN,
  `${RUN} > StartActivity:callModel`,
  `${RUN} > StartActivity:callModel > RunActivity:callModel`,
  `${RUN} > StartChildWorkflow:agent`,
  CHILD,
  `${CHILD} > StartActivity:callModel`,
  `${CHILD} > StartActivity:callModel > RunActivity:callModel`,
  `${CHILD} > StartActivity:shout`,
  `${CHILD} > StartActivity:shout > RunActivity:shout`,
  `${CHILD} > StartActivity:shout > RunActivity:shout > shouting`,
].sort();

test('make one trace of a run with createWorker', async () => {
  const taskQueue = `otel-${randomUUID()}`;
  const options = { agents, address, taskQueue, model: { apiKey: 'offline', baseURL: model.baseURL } };
  const worker = await createWorker({ ...options, temporal: { plugins: [otel()] } });
  const running = worker.run();
  try {
    assert.deepEqual(await traced(taskQueue), EXPECTED);
  } finally {
    worker.shutdown();
    await running;
  }
});

test('make one trace of a run on a worker that exists', async () => {
  const connection = await NativeConnection.connect({ address });
  try {
    const taskQueue = `otel-${randomUUID()}`;
    const holdfast = new HoldfastPlugin({ agents, model: { apiKey: 'offline', baseURL: model.baseURL } });
    const worker = await Worker.create({ connection, taskQueue, plugins: [otel(), holdfast] });
    await worker.runUntil(async () => assert.deepEqual(await traced(taskQueue), EXPECTED));
  } finally {
    await connection.close();
  }
});
