// Far more starts, decisions, commands, signals and calls than anyone should send. Each is executed, or refused with a reason;
// none is lost silently, and the run continues.
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { type Agent, defineAgent, defineTool } from '../../../activities/index.ts';
import { offlineModel, type Script, startScriptedModel } from '../../../activities/testing/index.ts';
import { CommandRejected, connect, type Holdfast, type RunHandle } from '../../../client/index.ts';
import { SIGNAL, UPDATE } from '../../../core/names.ts';
import { toolCalls } from '../../../core/read/run.ts';
import { asked } from '../../../test/support/people.ts';
import { quietLogs } from '../../../test/support/quiet.ts';
import { gate, tally } from '../../../test/support/waits.ts';
import { createWorker } from '../../../worker/index.ts';
import type { Site } from '../ground/site.ts';
import type { Row, SectionOnSite } from '../section.ts';

const STARTS = 1_000;
const DECISIONS = 5_000;
const CALLS = 500;
const CALLS_TOO_MANY = 2_001;
/** The short form sends fewer of these: the last ones behave like the first. */
const SIGNALS = { short: 1_000, long: 10_001 };
const ORDERS = { short: 500, long: 5_000 };
/** The server accepts 2,000 updates per history. */
const ORDERS_TOO_MANY = 2_100;
const AT_ONCE = 50;
/** The server allows 10 updates of a run in flight; beyond that, clients back off, as the SDK retries. */
const ORDERS_AT_ONCE = 8;

interface Ground {
  readonly holdfast: Holdfast;
  /** Number of executions of a tool, by the name in its arguments. */
  readonly ran: ReturnType<typeof tally>;
  /** What the call of `hold` in this run waits for. */
  hold(id: string): ReturnType<typeof gate>;
  close(): Promise<void>;
}

export const floods: SectionOnSite = async ({ long, say }, site) => {
  const ground = await openGround(site);
  const rows: Row[] = [];
  const figures: Record<string, unknown> = {};
  const flood = async (name: string, show: () => Promise<{ rows: Row[]; figures: object }>) => {
    const startedMs = performance.now();
    const shown = await show();
    rows.push(...shown.rows);
    figures[name] = { ...shown.figures, seconds: Math.round((performance.now() - startedMs) / 1_000) };
    say(name);
  };
  try {
    await flood('equal starts', () => equalStarts(ground));
    await flood('equal decisions', () => equalDecisions(ground));
    await flood('other decisions', () => otherDecisions(ground, long ? ORDERS.long : ORDERS.short));
    await flood('orders', () => orders(ground, long ? ORDERS.long : ORDERS.short));
    // Half a minute, for a single number.
    if (long) await flood('orders to a run at work', () => ordersAtWork(ground));
    await flood('signals', () => signals(ground, long ? SIGNALS.long : SIGNALS.short));
    await flood('calls', () => manyCalls(ground));
    await flood('too many calls', () => tooManyCalls(ground));
  } finally {
    await ground.close();
  }
  return { name: 'floods', title: 'Floods', rows, figures };
};

async function equalStarts({ holdfast, ran }: Ground) {
  const id = 'flood-start';
  const handles = await flooded(STARTS, () => holdfast.start('flooded', 'work', { id }));
  await holdfast.get(id).result();
  const query = `WorkflowId = "${id}"`;
  // Visibility lists a run with a delay.
  while ((await holdfast.client.workflow.count(query)).count === 0) await sleep(100);
  const { count } = await holdfast.client.workflow.count(query);
  return {
    rows: [
      exactly(`runs of ${STARTS} equal starts`, 1, count),
      exactly('starts that were given the run', STARTS, handles.answers),
      exactly('effects of its call', 1, ran.of('work')),
    ],
    figures: handles,
  };
}

async function equalDecisions({ holdfast, ran }: Ground) {
  const id = 'flood-decide';
  const handle = await holdfast.start('flooded', 'ask two', { id });
  const [first] = await asked(handle, 2);
  const { call, digest } = first!;
  const decided = await flooded(DECISIONS, () => handle.decide({ call, digest, verdict: 'approve', by: 'ann' }));
  const [second] = await asked(handle, 1);
  await handle.approve(second!.call);
  const { status } = await handle.result();
  return {
    rows: [
      exactly(`effects of ${DECISIONS} equal decisions`, 1, ran.of('first')),
      exactly('decisions that were given the one that counts', DECISIONS, decided.answers),
      completed('the run that they came to', status),
    ],
    figures: decided,
  };
}

/** The same without our client: each is a separate update, of which the first counts. */
async function otherDecisions({ holdfast, ran }: Ground, count: number) {
  const id = 'flood-other';
  const handle = await holdfast.start('flooded', 'ask others', { id });
  const [first, second] = await asked(handle, 2);
  const workflow = holdfast.client.workflow.getHandle(id);
  const decision = { call: first!.call, digest: first!.digest, verdict: 'approve' };
  const decided = await flooded(count, () => workflow.executeUpdate(UPDATE.decide, { args: [decision] }), isTold);
  await handle.approve(second!.call);
  const { status } = await handle.result();
  return {
    rows: [
      exactly(`effects of ${count} decisions that are updates of their own`, 1, ran.of('others')),
      exactly('taken', 1, decided.answers),
      exactly('told that it was decided already', count - 1, decided.refused),
      completed('the run that they came to', status),
    ],
    figures: decided,
  };
}

/** More updates than the server accepts per history: the run must continue as new in time, and answer each. */
async function orders({ holdfast }: Ground, count: number) {
  const id = 'flood-orders';
  const handle = await holdfast.start('flooded', 'ask once', { id });
  await asked(handle, 1);
  const order = (i: number) => (i % 2 === 0 ? handle.pause() : handle.resume());
  const given = await flooded(count, order, undefined, ORDERS_AT_ONCE);
  await handle.resume();
  await approved(handle);
  const { status } = await handle.result();
  return {
    rows: [
      exactly(`orders of ${count} to a run that waits, answered`, count, given.answers),
      completed('the run that they came to', status),
    ],
    figures: given,
  };
}

/** The same to a run that cannot continue as new, as a tool is running: the rest is refused, and the run continues. */
async function ordersAtWork({ holdfast, hold }: Ground) {
  const id = 'flood-work';
  const held = hold(id);
  const handle = await holdfast.start('flooded', `hold ${id}`, { id });
  const given = await flooded(ORDERS_TOO_MANY, () => handle.resume(), undefined, ORDERS_AT_ONCE);
  held.open();
  const { status } = await handle.result();
  return {
    rows: [
      exactly(
        `orders of ${ORDERS_TOO_MANY} to a run at work, answered or refused with the limit`,
        ORDERS_TOO_MANY,
        given.answers + given.refused,
      ),
      completed('the run that they came to', status),
    ],
    figures: given,
  };
}

/** The server accepts 10,000 signals per history; here of a run that cannot continue as new, as a tool is running. */
async function signals({ holdfast, hold }: Ground, count: number) {
  const id = 'flood-signals';
  const held = hold(id);
  const handle = await holdfast.start('flooded', `hold ${id}`, { id });
  const workflow = holdfast.client.workflow.getHandle(id);
  // Unknown signals, and the signals between parents and sub-agents with malformed arguments.
  const said = [
    () => workflow.signal('nobodyKnows', { text: 'hello' }),
    () => workflow.signal(SIGNAL.fromParent, { order: 'dance' }),
    () => workflow.signal(SIGNAL.fromChild, { child: 'nobody', spend: null }),
    () => workflow.signal(SIGNAL.fromChild),
  ];
  const sent = await flooded(
    count,
    (i) => said[i % said.length]!(),
    (error) => /limit|exceed/i.test(messageOf(error)),
  );
  held.open();
  const { status } = await handle.result();
  return {
    rows: [
      exactly(`signals of ${count}, taken or refused with the limit`, count, sent.answers + sent.refused),
      completed('the run that they came to', status),
    ],
    figures: sent,
  };
}

async function manyCalls({ holdfast, ran }: Ground) {
  const handle = await holdfast.start('flooded', `${CALLS} calls`, { id: 'flood-calls' });
  const { status } = await handle.result();
  const calls = toolCalls(await handle.read());
  const places = Array.from({ length: CALLS }, (_, i) => `call ${i}`);
  return {
    rows: [
      exactly(
        `calls of a turn with ${CALLS}, run once each`,
        CALLS,
        places.filter((name) => ran.of(name) === 1).length,
      ),
      exactly(
        'answered in their order',
        CALLS,
        calls.filter(({ text }, i) => text === JSON.stringify({ done: places[i] })).length,
      ),
      completed('the run', status),
    ],
    figures: {},
  };
}

async function tooManyCalls({ holdfast, ran }: Ground) {
  const handle = await holdfast.start('flooded', `${CALLS_TOO_MANY} calls, none of a tool`, { id: 'flood-limit' });
  const { status } = await handle.result();
  const calls = toolCalls(await handle.read());
  const refused = calls.filter(({ kind }) => kind === 'too_large');
  return {
    rows: [
      exactly(
        `calls of ${CALLS_TOO_MANY} in a turn, answered`,
        CALLS_TOO_MANY,
        calls.filter(({ text }) => text).length,
      ),
      {
        what: 'of these, refused by the limit, with a message',
        asked: 'those beyond 1,000',
        measured: `${refused.length}: ${refused[0]?.text}`,
        reached: refused.length === CALLS_TOO_MANY - 1_000,
      },
      exactly('effects of calls beyond the limit', 0, ran.of('beyond')),
      completed('the run', status),
    ],
    figures: { message: refused[0]?.text },
  };
}

// ── Building blocks ───────────────────────────────────────────────────────────────────────────────────────────

interface Flooded {
  readonly answers: number;
  readonly refused: number;
  /** Neither accepted nor refused: a fault. */
  readonly failed: number;
  readonly errors: readonly string[];
}

/** Sends it the given number of times, some concurrently; `isRefusal` tells refusals from faults. */
async function flooded(
  count: number,
  send: (i: number) => Promise<unknown>,
  isRefusal: (error: unknown) => boolean = (error) => error instanceof CommandRejected,
  atOnce = AT_ONCE,
): Promise<Flooded> {
  let [next, answers, refused, failed] = [0, 0, 0, 0];
  const errors = new Set<string>();
  const sender = async () => {
    for (let i = next++; i < count; i = next++)
      try {
        await send(i);
        answers += 1;
      } catch (error) {
        if (isRefusal(error)) refused += 1;
        else failed += 1;
        if (errors.size < 5) errors.add(messageOf(error));
      }
  };
  await Promise.all(Array.from({ length: atOnce }, sender));
  return { answers, refused, failed, errors: [...errors] };
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${messageOf(error.cause)}` : error.message;
}

function isTold(error: unknown): boolean {
  return /was decided already|is over/.test(messageOf(error));
}

/** The pending call, even if the run has continued as new since it asked. */
async function approved(handle: RunHandle): Promise<void> {
  const [question] = await asked(handle, 1);
  await handle.approve(question!.call);
}

function exactly(what: string, expected: number, measured: number): Row {
  return { what, asked: String(expected), measured: String(measured), reached: measured === expected };
}

function completed(what: string, status: string): Row {
  return { what, asked: 'completed', measured: status, reached: status === 'completed' };
}

async function openGround(site: Site): Promise<Ground> {
  quietLogs();
  const ran = tally();
  const gates = new Map<string, ReturnType<typeof gate>>();
  const input = z.object({ name: z.string() });
  const run = ({ name }: z.output<typeof input>) => {
    ran.add(name);
    return { done: name };
  };
  const tools = [
    defineTool({ name: 'work', description: 'Works.', input, effect: 'idempotent', run }),
    defineTool({ name: 'ask', description: 'Asks first.', input, effect: 'idempotent', approval: 'always', run }),
    defineTool({
      name: 'hold',
      description: 'Holds.',
      input,
      effect: 'idempotent',
      timeout: '1 h',
      async run(args) {
        await gates.get(args.name)?.opened;
        return run(args);
      },
    }),
  ];
  const agent: Agent = defineAgent({
    name: 'flooded',
    model: offlineModel('flooded'),
    instructions: 'You are asked for much.',
    tools,
    parallel: 100,
  });
  const model = await startScriptedModel({ scripts: { flooded: script } });
  const taskQueue = 'floods';
  const at = { address: site.address, namespace: 'default', taskQueue };
  const worker = await createWorker({ ...at, agents: [agent], model: { apiKey: 'none', baseURL: model.baseURL } });
  const running = worker.run();
  const holdfast = await connect(at);
  return {
    holdfast,
    ran,
    hold(id) {
      const held = gate();
      gates.set(id, held);
      return held;
    },
    async close() {
      for (const held of gates.values()) held.open();
      worker.shutdown();
      await running;
      await Promise.all([holdfast.close(), model.close()]);
    },
  };
}

const script: Script = ({ turn, input }) => {
  if (turn > 1) return 'Done.';
  const call = (tool: string, name: string) => ({ tool, arguments: { name } });
  const count = Number(/^(\d+) calls/.exec(input)?.[1]);
  switch (input) {
    case 'work':
      return { calls: [call('work', 'work')] };
    case 'ask two':
      return { calls: [call('ask', 'first'), call('ask', 'second')] };
    case 'ask others':
      return { calls: [call('ask', 'others'), call('ask', 'another')] };
    case 'ask once':
      return { calls: [call('ask', 'once')] };
    case `${CALLS} calls`:
      return { calls: Array.from({ length: count }, (_, i) => call('work', `call ${i}`)) };
    default:
      if (input.startsWith('hold ')) return { calls: [call('hold', input.slice('hold '.length))] };
      // Unknown tools, except for the calls beyond the limit: none of those may run.
      return { calls: Array.from({ length: count }, (_, i) => call(i < 1_000 ? 'none' : 'work', 'beyond')) };
  }
};
