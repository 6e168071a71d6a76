// Claims about the types of results. The compiler checks them here; types.test.ts checks that false ones fail, and runs
// `usePlan`.
import { z } from 'zod';
import { type Agent, defineAgent, once, type PgPool, type ToolContext } from '../../activities/index.ts';
import type { AsJson, Holdfast, OutputOf } from '../../client/index.ts';

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
