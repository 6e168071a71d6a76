// The agents of the proof, and the instrumentation of the processes that serve them. Effects of their tools are counted in
// PostgreSQL.
import { flushCompileCache } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import pg from 'pg';
import { z } from 'zod';
import {
  type AgentOptions,
  asTool,
  defineAgent,
  defineTool,
  external,
  mcp,
  once,
  type ToolContext,
} from '../../../activities/index.ts';
import { offlineModel } from '../../../activities/testing/index.ts';
import type { HoldfastWorker } from '../../../worker/index.ts';
import { MOMENT, watchDoors, watchModel } from './doors.ts';
import { ONCE_TABLE, writeEffect, writeStart } from './ledger.ts';
import { MCP_EFFECTS } from './mcpServer.ts';
import { reach } from './moments.ts';

/** Called by startWorkerProcess before the worker runs. */
export function opened({ worker }: HoldfastWorker): void {
  // If the parent is gone, nothing else would end this process.
  const end = () => process.kill(process.pid, 'SIGKILL');
  if (process.connected) process.once('disconnect', end);
  else end();
  watchDoors(worker);
  // The compile cache is normally written at exit, which a killed process never reaches; the next one starts from it.
  flushCompileCache();
}

// Must run before the model's client is created, which keeps the fetch that it finds.
watchModel();

const pool = new pg.Pool({ connectionString: process.env['LEDGER'], max: 10 });
// Losing an idle connection when the database goes down must not crash the process.
pool.on('error', () => undefined);

const input = z.object({
  name: z.string(),
  ms: z.number().default(0),
  bytes: z.number().default(0),
  fails: z.boolean().default(false),
});

// A killed worker is noticed after this.
const LIFE = { timeout: '60 s', heartbeat: '2 s' } as const;
const RETRY = { initial: '500 ms', max: '1 s' } as const;

/** The call's id, and a function that announces its moments. */
function place({ workflowId }: ToolContext) {
  const { activityId } = Context.current().info;
  return {
    workflowId,
    place: activityId,
    at: (moment: (id: string) => string) => reach(workflowId, moment(activityId)),
  };
}

async function begin(ctx: ToolContext, { ms, fails }: z.output<typeof input>) {
  const here = place(ctx);
  await writeStart(pool, here, ctx.attempt);
  here.at(MOMENT.began);
  if (fails && ctx.attempt === 1) throw new Error('It does not work the first time.');
  await sleep(ms, undefined, { signal: ctx.signal });
  return here;
}

/** Every run has it, and so have its sub-agents. */
const context = z.object({ tenant: z.string() });

const resultOf = ({ name, bytes }: z.output<typeof input>, { context: { tenant } }: ToolContext) => ({
  done: name,
  for: tenant,
  text: name.repeat(bytes / name.length),
});

async function book(args: z.output<typeof input>, ctx: ToolContext) {
  const here = await begin(ctx, args);
  const result = await once(
    pool,
    ctx,
    async (tx) => {
      await writeEffect(tx, here, 'book');
      here.at(MOMENT.inTransaction);
      return resultOf(args, ctx);
    },
    { table: ONCE_TABLE },
  );
  here.at(MOMENT.happened);
  return result;
}

const tools = [
  defineTool({
    ...LIFE,
    name: 'look',
    description: 'Looks.',
    input,
    effect: 'read',
    retry: RETRY,
    async run(args, ctx) {
      await begin(ctx, args);
      return resultOf(args, ctx);
    },
  }),
  defineTool({ ...LIFE, name: 'book', description: 'Books.', input, effect: 'idempotent', retry: RETRY, run: book }),
  defineTool({
    ...LIFE,
    name: 'ask',
    description: 'Books, when a person approves.',
    input,
    effect: 'idempotent',
    approval: 'always',
    retry: RETRY,
    run: book,
  }),
  defineTool({
    ...LIFE,
    name: 'send',
    description: 'Sends.',
    input,
    effect: 'once',
    async run(args, ctx) {
      const here = await begin(ctx, args);
      await writeEffect(pool, here, 'send');
      here.at(MOMENT.happened);
      return resultOf(args, ctx);
    },
  }),
  external({ name: 'answer', description: 'Is answered by another program.', input }),
  mcp({ ...LIFE, name: 'proof', url: process.env['PROVE_MCP'] ?? '', effect: MCP_EFFECTS }),
  asTool('prover', { name: 'delegate', description: 'Has another one do it.' }),
];

const prover = (name: string, options: Partial<Pick<AgentOptions, 'model' | 'maxHistoryEvents' | 'compaction'>> = {}) =>
  defineAgent({
    name,
    context,
    model: offlineModel('prover'),
    instructions: 'You do as you are told.',
    tools,
    maxTurns: 100,
    parallel: 8,
    ...options,
  });

export const agents = [
  prover('prover'),
  // Continues as new as often as possible.
  prover('wanderer', { maxHistoryEvents: 20 }),
  // The same with a model that refuses to go on unless its signatures come back.
  prover('signer', { model: offlineModel('signer'), maxHistoryEvents: 20 }),
  // Compacts its conversation after a few turns.
  prover('forgetful', { compaction: { limitTokens: 2_500, at: 0.6, keepTurns: 1 } }),
];

// ── For timing: how long until a dead worker's call starts again ───────────────────────────────────────────────

/** Waits in its first attempt for the end of its worker. */
const waiting = (name: string, heartbeat?: '3 s') =>
  defineTool({
    name,
    description: 'Waits.',
    input: z.object({}),
    effect: 'idempotent',
    timeout: '10 m',
    ...(heartbeat && { heartbeat }),
    async run(_, ctx) {
      await writeStart(pool, place(ctx), ctx.attempt);
      if (ctx.attempt === 1) await sleep(3_600_000, undefined, { signal: ctx.signal });
      return 'done';
    },
  });

agents.push(
  defineAgent({
    name: 'waiter',
    model: offlineModel('waiter'),
    instructions: 'You wait.',
    tools: [waiting('wait_10'), waiting('wait_3', '3 s')],
  }),
);
