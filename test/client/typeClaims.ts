// Claims about the types of results. The compiler checks them here; types.test.ts checks that false ones fail, and runs
// `usePlan`.
import { z } from 'zod';
import {
  type Agent,
  asTool,
  defineAgent,
  defineTool,
  once,
  type PgPool,
  permission,
  type Tool,
  type ToolContext,
} from '../../activities/index.ts';
import type { AsJson, Holdfast, OutputOf, Reply, RunContext, RunResult } from '../../client/index.ts';
import { runAgent } from '../../workflows/index.ts';

export const Plan = z.object({
  priority: z.enum(['low', 'high']),
  due: z.iso.datetime().transform((text) => new Date(text)),
  tags: z.array(z.object({ name: z.string() })),
  note: z.string().nullable(),
});
export const triage = defineAgent({ name: 'triage', model: 'm', instructions: 'Sort.', output: Plan });
export const plain = defineAgent({ name: 'plain', model: 'm', instructions: 'Talk.' });

/** True only where the two are the same type. */
export type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
export const holds = <_ extends true>() => {};

export type Value = OutputOf<typeof triage>;
holds<Same<Value['priority'], 'low' | 'high'>>();
holds<Same<Value['due'], string>>();
holds<Same<Value['tags'][number]['name'], string>>();
holds<Same<Value['note'], string | null>>();
holds<Same<OutputOf<typeof plain>, unknown>>();
holds<Same<OutputOf<unknown>, unknown>>();
holds<
  Same<AsJson<{ when: Date; list: [Date, 1]; maybe?: boolean }>, { when: string; list: [string, 1]; maybe?: boolean }>
>();

/** Reads a result by its type, and as somebody would who got the type wrong. */
export async function usePlan(holdfast: Holdfast, workflowId: string) {
  const { value } = await holdfast.get<typeof triage>(workflowId).result();
  const priority: 'low' | 'high' | undefined = value?.priority;
  const due: string | undefined = value?.due;
  const tag: string | undefined = value?.tags[0]?.name;
  const untyped = (await holdfast.get(workflowId).result()).value;
  return {
    priority,
    due,
    tag,
    // @ts-expect-error: the output has no such field
    urgency: value?.urgency,
    // @ts-expect-error: a Date came as its text
    getTime: value?.due.getTime,
    // @ts-expect-error: without the agent's type, nothing is known of it
    untypedPriority: untyped?.priority,
  };
}

/** Only for its types: what is started is typed as what is fetched. */
export async function startPlan(holdfast: Holdfast): Promise<string | undefined> {
  const run = await holdfast.start<typeof triage>('triage', 'A leak.');
  return (await run.result()).value?.due;
}

/** With the agent itself, nothing has to be said of its type. */
export async function startAgent(holdfast: Holdfast) {
  const { value } = await (await holdfast.start(triage, 'A leak.')).result();
  const due: string | undefined = value?.due;
  // @ts-expect-error: the output has no such field
  return { due, urgency: value?.urgency };
}

export const agents: Agent[] = [triage, plain];
export const typed: Agent<{ readonly priority: string }> = triage;
// @ts-expect-error: its priority is a text
export const wrong: Agent<{ readonly priority: number }> = triage;

/** A transaction of `once` says how many rows it has changed. */
export function withdraw(pool: PgPool, ctx: ToolContext): Promise<number> {
  return once(pool, ctx, async (tx) => {
    const { rowCount } = await tx.query('update accounts set cents = cents - 1');
    const changed: number | null | undefined = rowCount;
    return changed ?? 0;
  });
}

/** A result is one of two, which its status tells apart: only a run that has completed has a value, and any other has its reason. */
export function endOf(result: RunResult<Value>): string {
  if (result.status === 'completed') {
    holds<Same<typeof result.value, Value | undefined>>();
    holds<Same<typeof result.reason, string | null>>();
    return result.value?.due ?? '';
  }
  holds<Same<typeof result.value, undefined>>();
  holds<
    Same<typeof result.reasonCode extends null ? never : null extends typeof result.reasonCode ? true : false, false>
  >();
  // @ts-expect-error: this one is of the other
  holds<Same<typeof result.status, 'completed'>>();
  return result.reason;
}

/** So is a reply. */
export async function askPlan(holdfast: Holdfast): Promise<string> {
  const run = await holdfast.start(triage, '', { session: true });
  const reply = await run.ask('A leak.');
  holds<Same<typeof reply, Reply<Value>>>();
  if (reply.status !== 'completed') return reply.reason;
  return reply.value?.due ?? '';
}

/** In a workflow, only the type of an agent is imported. */
export async function runPlan(): Promise<string | undefined> {
  const result = await runAgent<typeof triage>('triage', 'A leak.');
  holds<Same<typeof result, RunResult<Value>>>();
  const untyped = await runAgent('triage', 'A leak.');
  holds<Same<typeof untyped, RunResult>>();
  return result.value?.due;
}

// ── The context of a run ──

const Ticket = z.object({ tenant: z.string(), user: z.string() });
const amounts = { description: 'Pays.', input: z.object({ amount: z.number() }), effect: 'idempotent' } as const;

/** The schema of a tool is that of a part of the context. */
export const pay = defineTool({
  ...amounts,
  name: 'pay',
  context: z.object({ tenant: z.string() }),
  approval: ({ amount }, { context }) => amount > 100 && context.tenant !== 'acme',
  run({ amount }, { context }) {
    holds<Same<typeof context, { tenant: string }>>();
    return { paid: amount };
  },
  present: ({ paid }) => paid.toFixed(),
});
holds<typeof pay extends Tool<{ tenant: string }, { amount: number }> ? true : false>();

/** Whoever asks for nothing gets whatever there is. */
export const refund = defineTool({
  ...amounts,
  name: 'refund',
  run(_, { context }) {
    holds<Same<typeof context, RunContext>>();
    // @ts-expect-error: a field of it may be anything
    context['tenant']?.length;
  },
});

export const clerk = defineAgent({
  name: 'clerk',
  model: 'm',
  // Before the schema, since the order of options does not matter.
  instructions: (context, ctx) => {
    holds<Same<typeof context, { tenant: string; user: string }>>();
    holds<Same<typeof ctx.context, typeof context>>();
    return `You serve ${context.tenant}.`;
  },
  budget: ({ tenant }) => (tenant === 'acme' ? undefined : { modelCalls: tenant.length }),
  credentials: ({ user }) => ({ user }),
  beforeTool: (_, { context }) => (context.user === 'eve' ? { reject: 'She may not.' } : undefined),
  approvals: { refund: (_, { context }) => context.user.length > 3 },
  permissions: {
    // @ts-expect-error: the argument is a number
    deny: [permission(pay, { when: ({ amount }) => amount.length > 3 })],
    ask: [permission(pay, { when: ({ amount }) => amount > 50, reason: 'over 50' })],
    allow: [{ tool: '*', when: (_, { context }) => context.tenant !== '' }],
  },
  tools: [
    pay,
    refund,
    asTool('helper', { description: 'Helps.', context: ({ tenant }: { tenant: string }) => ({ tenant }) }),
  ],
  context: Ticket,
});

export const withoutTenant = {
  name: 'other',
  model: 'm',
  instructions: 'Work.',
  context: z.object({ user: z.string() }),
} as const;
// @ts-expect-error: the tool needs a tenant
export const lacking = defineAgent({ ...withoutTenant, tools: [pay] });
// @ts-expect-error: without a schema, the agent may have none
export const unchecked = defineAgent({ name: 'other', model: 'm', instructions: 'Work.', tools: [pay] });

/** Before `run`, a presenter names what it gets: TypeScript reads functions in the order in which they are written. */
export const presented = defineTool({
  ...amounts,
  name: 'presented',
  present: ({ paid }: { paid: number }) => paid.toFixed(),
  run: ({ amount }) => ({ paid: amount }),
});
export const misread = defineTool({
  ...amounts,
  name: 'misread',
  present: ({ paid }: { paid: string }) => paid,
  // @ts-expect-error: that is not what the presenter reads
  run: ({ amount }) => ({ paid: amount }),
});

/** A run is started with what the schema takes, and its default need not be given. */
const greeted = { name: 'greeted', model: 'm', instructions: 'Greet.' } as const;
const Greeting = z.object({ tenant: z.string(), locale: z.string().default('en') });
export const localised = defineAgent({ ...greeted, context: Greeting, instructions: ({ locale }) => locale.trim() });
export async function startGreeting(holdfast: Holdfast): Promise<void> {
  await holdfast.start(localised, 'Hello.', { context: { tenant: 'acme' } });
  // @ts-expect-error: a tenant is a text
  await holdfast.start(localised, 'Hello.', { context: { tenant: 7 } });
  // @ts-expect-error: there is no such field
  await holdfast.start(localised, 'Hello.', { context: { tenant: 'acme', tenants: 1 } });
  await holdfast.start(plain, 'Hello.', { context: { anything: 1 } });
}
