// Runs and schedules of the type `agent` that no client of ours started: anybody with access to the namespace can.
import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { Client } from '@temporalio/client';
import type { Payload } from '@temporalio/common';
import { connect } from '../../client/index.ts';
import { eventually } from './waits.ts';

const TASK_QUEUE = 'nobody-polls-this';
const bytes = (text: string) => Buffer.from(text);
const payload = (encoding: string | null, data: string | Uint8Array, more: Record<string, string> = {}): Payload => ({
  metadata: Object.fromEntries(
    Object.entries({ ...(encoding !== null && { encoding }), ...more }).map(([key, text]) => [key, bytes(text)]),
  ),
  data: typeof data === 'string' ? bytes(data) : data,
});

const approval = {
  kind: 'approval',
  call: '1.0',
  digest: 'd',
  tool: 'pay',
  arguments: '{}',
  question: null,
  sinceMs: 1_767_225_600_000,
  expiresAtMs: null,
};
const budget = {
  kind: 'budget',
  reason: 'The budget is spent.',
  reached: {
    code: 'budget_reached',
    parameters: { limit: 'tokens', amount: 1, spent: 2 },
    text: 'The budget is spent.',
  },
  sinceMs: 1_767_225_600_000,
};
const waits = { sinceMs: 1_767_225_600_000, count: 2, questions: [approval, budget] };

/** Entries of a memo that cannot be used as open questions, by name. */
const WAITS: Readonly<Record<string, unknown>> = {
  empty: {},
  text: 'soon',
  number: 7,
  list: [approval],
  'questions-object': { ...waits, questions: { 0: approval } },
  'questions-missing': { sinceMs: 1, count: 1 },
  'since-text': { ...waits, sinceMs: 'yesterday' },
  'since-nan': { ...waits, sinceMs: Number.NaN },
  'since-huge': { ...waits, sinceMs: 1e300 },
  'count-text': { ...waits, count: 'many' },
  'count-negative': { ...waits, count: -1 },
};

/** Entries whose questions are partly readable: the number of readable ones is 1. */
const SOME_WAITS: Readonly<Record<string, unknown>> = {
  'no-arguments': { ...waits, questions: [approval, { ...approval, arguments: undefined }] },
  'question-null': { ...waits, questions: [null, approval] },
  'question-kind': { ...waits, questions: [{ kind: 'riddle' }, approval] },
  'question-times': {
    ...waits,
    questions: [{ ...approval, sinceMs: 'x' }, approval, { ...approval, expiresAtMs: 1e300 }],
  },
  'budget-bare': { ...waits, questions: [{ kind: 'budget', reason: 7, sinceMs: 1 }, budget] },
  'budget-limit': {
    ...waits,
    questions: [{ ...budget, reached: { ...budget.reached, parameters: { limit: 'constructor' } } }, approval],
  },
};

/** Payloads that cannot be decoded, by name. */
export const PAYLOADS: Readonly<Record<string, Payload>> = {
  encoding: payload('binary/of-mine', 'x'),
  'no-encoding': payload(null, '{}'),
  'no-metadata': { data: bytes('{}') },
  gzip: payload('binary/gzip', 'no gzip'),
  'gzip-garbage': payload('binary/gzip', gzipSync('no protobuf \xff')),
  'gzip-bomb': payload('binary/gzip', gzipSync(Buffer.alloc(100 * 1024 * 1024))),
  json: payload('json/plain', '{"sinceMs":'),
  'no-data': payload('json/plain', ''),
  store: payload('json/protobuf', '{"driverName":"attic","claimData":{"sha256":"../../etc/passwd"}}', {
    messageType: 'temporal.api.sdk.v1.ExternalStorageReference',
  }),
  'store-nameless': payload('json/protobuf', '{}', { messageType: 'temporal.api.sdk.v1.ExternalStorageReference' }),
  'store-json': payload('json/protobuf', '{', { messageType: 'temporal.api.sdk.v1.ExternalStorageReference' }),
  protobuf: payload('binary/protobuf', 'x', { messageType: 'not.a.Type' }),
};

/** Inputs that no worker accepts, by name. */
const INPUTS: Readonly<Record<string, unknown>> = {
  text: 'hello',
  null: null,
  list: [],
  types: { agent: {}, input: [], parallel: 'x', budget: 'all', session: 'yes', maxTurns: {} },
  budget: { agent: 'a', input: 'b', budget: { tokens: {}, cost: 'x', activeMs: null, atLimit: 7 } },
};

export interface StrangeRuns {
  /** Runs whose questions cannot be read. */
  readonly unreadable: readonly string[];
  /** Runs of which one question can be read. */
  readonly partly: readonly string[];
  /** Runs that wait for nobody. */
  readonly others: readonly string[];
}

/** Starts them. With the search attributes, each says that it waits. */
export async function startStrangeRuns(client: Client, { attributes = false } = {}): Promise<StrangeRuns> {
  const attribute = (type: string, value: unknown) => payload('json/plain', JSON.stringify(value), { type });
  const start = async (workflowId: string, memo: Record<string, Payload>, input: readonly Payload[] = []) => {
    await client.workflowService.startWorkflowExecution({
      namespace: client.options.namespace,
      workflowId,
      workflowType: { name: 'agent' },
      taskQueue: { name: TASK_QUEUE },
      requestId: randomUUID(),
      input: { payloads: [...input] },
      memo: { fields: memo },
      ...(attributes && {
        searchAttributes: {
          indexedFields: {
            HoldfastWaitingSince: attribute('Datetime', '2026-01-01T00:00:00Z'),
            HoldfastAgent: attribute('Keyword', 'strange'),
          },
        },
      }),
    });
    return workflowId;
  };
  const json = (value: unknown) => payload('json/plain', JSON.stringify(value));
  const all = <T>(of: Readonly<Record<string, T>>, begin: (name: string, value: T) => Promise<string>) =>
    Promise.all(Object.entries(of).map(([name, value]) => begin(name, value)));

  const unreadable = [
    ...(await all(WAITS, (name, value) => start(`waits-${name}`, { agent: json('strange'), waits: json(value) }))),
    ...(await all(PAYLOADS, (name, broken) =>
      start(`payload-${name}`, { agent: broken, parent: broken, status: broken, waits: broken, startedAt: broken }),
    )),
  ];
  const partly = await all(SOME_WAITS, (name, value) =>
    start(`partly-${name}`, {
      agent: json({ name: 'strange' }),
      parent: json(7),
      startedAt: json(1e300),
      waits: json(value),
    }),
  );
  const others = [
    ...(await all(INPUTS, (name, value) => start(`input-${name}`, { agent: json('strange') }, [json(value)]))),
    ...(await all(PAYLOADS, (name, broken) => start(`input-payload-${name}`, { agent: json('strange') }, [broken]))),
  ];
  return { unreadable, partly, others };
}

/** Results that no run of ours has, by name. */
const RESULTS: Readonly<Record<string, unknown>> = {
  text: 'done',
  null: null,
  empty: {},
  types: { status: 7, output: {}, warnings: 'x', spend: 'all', reason: 'x', reasonCode: {}, value: 1 },
  'status-only': { status: 'completed' },
};

/** Starts runs and completes them, as a worker of anybody would, with such results. Returns the ids of the runs. */
export async function completeStrangely(client: Client): Promise<string[]> {
  const { workflowService: service } = client;
  const { namespace } = client.options;
  const results: Record<string, Payload> = {
    ...PAYLOADS,
    ...Object.fromEntries(
      Object.entries(RESULTS).map(([name, value]) => [`value-${name}`, payload('json/plain', JSON.stringify(value))]),
    ),
  };
  const ids: string[] = [];
  for (const [name, result] of Object.entries(results)) {
    const workflowId = `result-${name}`;
    const taskQueue = `own-${workflowId}`;
    await client.workflow.start('agent', { workflowId, taskQueue, args: [{ agent: 'a', input: 'b' }] });
    const { taskToken } = await client.withDeadline(Date.now() + 10_000, () =>
      service.pollWorkflowTaskQueue({ namespace, taskQueue: { name: taskQueue } }),
    );
    await service.respondWorkflowTaskCompleted({
      namespace,
      taskToken,
      commands: [
        {
          commandType: COMPLETE_WORKFLOW,
          completeWorkflowExecutionCommandAttributes: { result: { payloads: [result] } },
        },
      ],
    });
    ids.push(workflowId);
  }
  return ids;
}

/** Starts a run whose model is called with what is no list of messages, and answers with what is no message. Returns its id. */
export async function answerStrangely(client: Client): Promise<string> {
  const { workflowService: service } = client;
  const { namespace } = client.options;
  const [workflowId, taskQueue] = ['strange-answer', { name: 'own-strange-answer' }];
  await client.workflow.start('agent', { workflowId, taskQueue: taskQueue.name, args: [{ agent: 'a', input: 'b' }] });
  const polled = <T>(poll: () => Promise<T>) => client.withDeadline(Date.now() + 10_000, poll);
  const { taskToken } = await polled(() => service.pollWorkflowTaskQueue({ namespace, taskQueue }));
  const callModel = {
    activityId: '1.model',
    activityType: { name: 'callModel' },
    taskQueue,
    startToCloseTimeout: { seconds: 60 as never },
    // No messages.
    input: { payloads: [payload('json/plain', JSON.stringify({ fresh: 7 }))] },
  };
  const commands = [{ commandType: SCHEDULE_ACTIVITY, scheduleActivityTaskCommandAttributes: callModel }];
  await service.respondWorkflowTaskCompleted({ namespace, taskToken, commands });
  const activity = await polled(() => service.pollActivityTaskQueue({ namespace, taskQueue }));
  const answer = payload('json/plain', JSON.stringify({ message: 7 }));
  await service.respondActivityTaskCompleted({
    namespace,
    taskToken: activity.taskToken,
    result: { payloads: [answer] },
  });
  return workflowId;
}

/** Temporal's `COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK`. */
const SCHEDULE_ACTIVITY = 1;

/** Temporal's `COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION`. */
const COMPLETE_WORKFLOW = 4;

/** Adds schedules whose memo, input and action's memo cannot be read. Returns their ids. */
export async function addStrangeSchedules(client: Client): Promise<string[]> {
  const ids = Object.keys(PAYLOADS).map((name) => `schedule-${name}`);
  for (const [name, broken] of Object.entries(PAYLOADS))
    await client.workflowService.createSchedule({
      namespace: client.options.namespace,
      scheduleId: `schedule-${name}`,
      requestId: randomUUID(),
      memo: { fields: { any: broken } },
      schedule: {
        spec: { interval: [{ interval: { seconds: 86_400 as never } }] },
        state: { paused: true },
        action: {
          startWorkflow: {
            workflowId: `of-${name}`,
            workflowType: { name: 'agent' },
            taskQueue: { name: TASK_QUEUE },
            input: { payloads: [broken] },
            memo: { fields: { agent: broken } },
          },
        },
      },
    });
  return ids;
}

/** A namespace of its own. A new one is known to all parts of the server some seconds after it was made. */
export async function newNamespace(address: string): Promise<string> {
  const namespace = `own-${randomUUID().slice(0, 8)}`;
  const admin = await connect({ address, namespace: 'default' });
  await admin.client.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
  });
  await admin.close();
  await eventually(async () =>
    connect({ address, namespace }).then(
      (known) => known.close().then(() => true),
      () => false,
    ),
  );
  return namespace;
}
