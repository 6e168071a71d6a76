// A run writes its status and figures to search attributes where they are there, at no event for a turn, and lists find it by them.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { z } from 'zod';
import { defineAgent, defineTool } from '../../activities/index.ts';
import { connect, type Holdfast, InvalidList, type ListedStatus, type ListOptions } from '../../client/index.ts';
import { ATTRIBUTE } from '../../core/names.ts';
import { createWorker, type HoldfastWorker } from '../../worker/index.ts';
import { asked } from '../support/people.ts';
import { quietLogs } from '../support/quiet.ts';
import { serverAddress } from '../support/server.ts';
import { newNamespace } from '../support/strangeRuns.ts';
import { eventually } from '../support/waits.ts';

quietLogs();

const step = defineTool({
  name: 'step',
  description: 'Goes a step.',
  input: z.object({}),
  effect: 'read',
  run: () => 'done',
});
const pay = defineTool({
  name: 'pay',
  description: 'Pays.',
  input: z.object({}),
  effect: 'idempotent',
  approval: 'always',
  run: () => 'paid',
});
const prices = { '*': { input: 1, output: 1 } };
const usage = { inputTokens: 900_000, outputTokens: 100_000 };
const of = (name: string, options: Partial<Parameters<typeof defineAgent>[0]>) =>
  defineAgent({ name, model: 'any', instructions: 'You walk.', tools: [step, pay], ...options });
const walks = (turns: number) => [...Array(turns - 1).fill({ calls: [{ tool: 'step', arguments: {} }] }), 'There.'];
const agents = [
  of('walker', { offline: walks(6) }),
  of('priced', { prices, offline: [{ text: 'Done.', usage }] }),
  of('payer', {
    prices,
    offline: [
      { calls: [{ tool: 'pay', arguments: {} }], usage },
      { text: 'Paid.', usage },
    ],
  }),
  of('endless', { maxTurns: 2, offline: () => ({ calls: [{ tool: 'step', arguments: {} }] }) }),
  // Of the shortest histories that there are.
  of('long', {
    prices,
    maxTurns: 20,
    maxHistoryEvents: 1,
    offline: walks(12).map((answer) => (typeof answer === 'string' ? { text: answer, usage } : { ...answer, usage })),
  }),
];

interface Office {
  readonly holdfast: Holdfast;
  readonly worker: HoldfastWorker;
  readonly closed: Promise<void>;
}

async function openOffice(address: string, namespace: string): Promise<Office> {
  const at = { address, namespace, taskQueue: `attributes-${randomUUID()}` };
  const holdfast = await connect(at);
  const worker = await createWorker({ agents, ...at, model: {} });
  return { holdfast, worker, closed: worker.run() };
}

async function close({ holdfast, worker, closed }: Office): Promise<void> {
  worker.shutdown();
  await closed;
  await holdfast.close();
}

const ended = async ({ holdfast }: Office, agent: string) => {
  const run = await holdfast.start(agent, 'Go.');
  await run.result();
  return run;
};

/** What the server has of the run. */
async function attributesOf({ holdfast }: Office, workflowId: string): Promise<Record<string, unknown>> {
  const { searchAttributes } = await holdfast.client.workflow.getHandle(workflowId).describe();
  const ours = Object.entries(searchAttributes).filter(([name]) => name.startsWith('Holdfast'));
  return Object.fromEntries(ours.map(([name, values]) => [name, values?.[0]]));
}

const idsOf = async ({ holdfast }: Office, options: ListOptions) =>
  (await holdfast.list({ limit: 100, ...options })).map(({ workflowId }) => workflowId).sort();

/** How the lists of an office filter, with and without attributes. */
function filters(office: () => Office): void {
  test('lists by status, open and ended, page by page', async () => {
    const { holdfast } = office();
    const [walked, again] = [await ended(office(), 'walker'), await ended(office(), 'walker')];
    const endless = await ended(office(), 'endless');
    const waiting = await holdfast.start('payer', 'Go.');
    await asked(waiting, 1);
    const gone = await holdfast.start('payer', 'Go.');
    await asked(gone, 1);
    await holdfast.client.workflow.getHandle(gone.workflowId).terminate('No longer needed.');
    const by = (...status: ListedStatus[]) => idsOf(office(), { status });
    await eventually(async () => (await by('terminated')).length === 1 && (await by('completed')).length === 2);
    assert.deepEqual(await by('completed'), [walked, again].map(({ workflowId }) => workflowId).sort());
    assert.deepEqual(await by('max_turns'), [endless.workflowId]);
    assert.deepEqual(await by('waiting'), [waiting.workflowId]);
    assert.deepEqual(await by('running'), []);
    assert.deepEqual(await by('terminated'), [gone.workflowId]);
    assert.deepEqual(await by('max_turns', 'waiting'), [endless.workflowId, waiting.workflowId].sort());
    assert.deepEqual(await idsOf(office(), { status: 'completed', agent: 'endless' }), []);
    assert.deepEqual(await idsOf(office(), { status: 'max_turns', agent: 'endless' }), [endless.workflowId]);
    const [first] = await holdfast.list({ status: 'completed', limit: 1 });
    const rest = await holdfast.list({ status: 'completed', limit: 5, after: first!.cursor });
    assert.deepEqual([first!.workflowId, ...rest.map(({ workflowId }) => workflowId)].sort(), await by('completed'));
    assert.deepEqual((await holdfast.stats({ status: 'max_turns' })).byStatus, { max_turns: 1 });
    for (const status of ['done', '', []] as unknown as ListedStatus[])
      await assert.rejects(
        holdfast.list({ status }),
        (error) => error instanceof InvalidList && /status is/.test(error.message),
      );
    await waiting.cancel();
  });
}

describe('with search attributes', () => {
  let office: Office;
  before(async () => {
    const address = await serverAddress();
    const namespace = await newNamespace(address);
    const admin = await connect({ address, namespace });
    await eventually(async () => {
      await admin.setup().catch(() => {});
      const { customAttributes } = await admin.client.connection.operatorService.listSearchAttributes({ namespace });
      return Object.values(ATTRIBUTE).every((name) => customAttributes?.[name] !== undefined);
    });
    await admin.close();
    office = await openOffice(address, namespace);
  });
  after(() => close(office));

  filters(() => office);

  test('writes them once for a run, however many turns it takes', async () => {
    const run = await ended(office, 'walker');
    const { history } = await office.holdfast.client.workflowService.getWorkflowExecutionHistory({
      namespace: office.holdfast.namespace,
      execution: { workflowId: run.workflowId },
    });
    const upserts = history!.events!.filter((event) => event.upsertWorkflowSearchAttributesEventAttributes);
    assert.equal(upserts.length, 1);
    const found = await attributesOf(office, run.workflowId);
    const { spend } = await run.result();
    assert.deepEqual(found, {
      ...{ HoldfastAgent: 'walker', HoldfastStatus: 'completed', HoldfastTurns: 6 },
      HoldfastTokens: spend.inputTokens + spend.outputTokens,
    });
  });

  test('has the agent from the start, and the figures of a question', async () => {
    const taskQueue = 'nobody';
    const { address, namespace } = office.holdfast;
    const other = await connect({ address, namespace, taskQueue });
    const unserved = await other.start('walker', 'Go.');
    assert.deepEqual(await attributesOf(office, unserved.workflowId), { HoldfastAgent: 'walker' });
    await unserved.cancel();
    await other.close();

    const run = await office.holdfast.start('payer', 'Go.');
    await asked(run, 1);
    const { HoldfastWaitingSince: since, ...rest } = await attributesOf(office, run.workflowId);
    assert.ok(since instanceof Date);
    const atQuestion = { HoldfastAgent: 'payer', HoldfastTurns: 1, HoldfastTokens: 1_000_000, HoldfastCost: 1 };
    assert.deepEqual(rest, atQuestion);
    await run.cancel();
    assert.equal((await run.result()).status, 'cancelled');
    // The client reads what has been removed as 1970.
    const { HoldfastWaitingSince: _, ...atEnd } = await attributesOf(office, run.workflowId);
    assert.deepEqual(atEnd, { ...atQuestion, HoldfastStatus: 'cancelled' });
  });

  test('takes the figures along when it continues as new', async () => {
    const run = await ended(office, 'long');
    const { client } = office.holdfast;
    const turns: unknown[] = [];
    for await (const { searchAttributes } of client.workflow.list({
      query: `WorkflowId = '${run.workflowId}' AND ExecutionStatus = 'ContinuedAsNew'`,
    }))
      turns.push(searchAttributes['HoldfastTurns']?.[0]);
    assert.ok(turns.length > 0, 'it has several histories');
    const started = await client.workflowService.getWorkflowExecutionHistory({
      namespace: office.holdfast.namespace,
      execution: { workflowId: run.workflowId },
    });
    const fields =
      started.history!.events![0]!.workflowExecutionStartedEventAttributes!.searchAttributes!.indexedFields!;
    const recorded = (name: string) => JSON.parse(Buffer.from(fields[name]!.data!).toString());
    assert.ok(recorded('HoldfastTurns') > 1);
    assert.equal(recorded('HoldfastTokens'), recorded('HoldfastTurns') * 1_000_000);
    assert.equal((await attributesOf(office, run.workflowId))['HoldfastTurns'], 12);
  });
});

describe('without search attributes', () => {
  let office: Office;
  let address: string;
  before(async () => {
    address = await serverAddress();
    office = await openOffice(address, await newNamespace(address));
  });
  after(() => close(office));

  filters(() => office);

  test('has a run in the inbox whose worker knows no attributes, though its client does', async () => {
    const { holdfast } = office;
    const { namespace, taskQueue } = holdfast;
    await eventually(async () => {
      await holdfast.setup().catch(() => {});
      const { customAttributes } = await holdfast.client.connection.operatorService.listSearchAttributes({ namespace });
      return Object.values(ATTRIBUTE).every((name) => customAttributes?.[name] !== undefined);
    });
    const later = await connect({ address, namespace, taskQueue });
    // The server learns of them with a delay.
    const run = await eventually(() => later.start('payer', 'Go.').catch(() => false as const));
    await asked(run, 1);
    assert.deepEqual(await attributesOf(office, run.workflowId), { HoldfastAgent: 'payer' });
    const found = await eventually(async () => {
      const { waiting } = await later.inbox();
      return waiting.length > 0 && waiting;
    });
    assert.deepEqual(
      found.map(({ workflowId }) => workflowId),
      [run.workflowId],
    );
    await run.cancel();
    await later.close();
  });
});
