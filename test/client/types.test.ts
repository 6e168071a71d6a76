// What an agent's definition says about its output is what its result is typed by.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { type Agent, defineAgent } from '../../activities/index.ts';
import type { AsJson, Holdfast, OutputOf } from '../../client/index.ts';
import type { Reply } from '../../core/types.ts';

const triage = defineAgent({
  name: 'triage',
  model: 'm',
  instructions: 'Sort.',
  output: z.object({
    priority: z.enum(['low', 'high']),
    due: z.iso.datetime().transform((text) => new Date(text)),
    tags: z.array(z.object({ name: z.string() })),
    note: z.string().nullable(),
  }),
});
const plain = defineAgent({ name: 'plain', model: 'm', instructions: 'Talk.' });

/** True only where the two are the same type. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const holds = <_ extends true>() => {};

test('the value of a result has the type of the output, as JSON leaves it', () => {
  type Value = OutputOf<typeof triage>;
  holds<Same<Value['priority'], 'low' | 'high'>>();
  holds<Same<Value['due'], string>>();
  holds<Same<Value['tags'][number]['name'], string>>();
  holds<Same<Value['note'], string | null>>();
  holds<Same<OutputOf<typeof plain>, unknown>>();
  holds<Same<OutputOf<unknown>, unknown>>();
  holds<
    Same<AsJson<{ when: Date; list: [Date, 1]; maybe?: boolean }>, { when: string; list: [string, 1]; maybe?: boolean }>
  >();

  // Compiled, not called.
  const use = async (holdfast: Holdfast) => {
    const run = await holdfast.start<typeof triage>('triage', 'A leak.');
    const { value } = await run.result();
    const priority: 'low' | 'high' | undefined = value?.priority;
    // @ts-expect-error: the output has no such field
    value?.urgency;
    // @ts-expect-error: a Date came as its text
    value?.due.getTime();
    const untyped = (await (await holdfast.start('triage', 'A leak.')).result()).value;
    // @ts-expect-error: without the agent's type, nothing is known of it
    untyped?.priority;
    const again = (await holdfast.get<typeof triage>('triage-1').result()).value?.tags[0]?.name;
    return [priority, again, (await run.ask('And now?')) satisfies Reply];
  };
  assert.equal(typeof use, 'function');
});

test('lists of agents take agents of every output', () => {
  const agents: Agent[] = [triage, plain];
  const typed: Agent<{ readonly priority: string }> = triage;
  // @ts-expect-error: its priority is a text
  const wrong: Agent<{ readonly priority: number }> = triage;
  assert.deepEqual([agents.length, typed.name, wrong.name], [2, 'triage', 'triage']);
});
