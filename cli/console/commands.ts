// What a person may tell a run from the page. Each body is checked: it comes from a browser.
import { z } from 'zod';
import type { RunHandle } from '../../client/index.ts';
import { AGAIN, AGAIN_BODIES, type CommandGround } from './again.ts';
import { given } from './given.ts';

const text = z.string().min(1).max(1_000_000);
const why = z.string().max(10_000).optional();
const limit = z.number().positive().finite().optional();
const call = z.string().min(1).max(100);

const BODIES = {
  decide: z.strictObject({
    call,
    digest: z.string().min(1).max(200),
    verdict: z.enum(['approve', 'edit', 'reject', 'respond']),
    arguments: text.optional(),
    text: text.optional(),
    why,
  }),
  send: z.strictObject({ text, id: text }),
  steer: z.strictObject({ text, id: text }),
  interrupt: z.strictObject({ text: text.optional(), id: text }),
  pause: z.strictObject({ why }),
  resume: z.strictObject({ why }),
  stop: z.strictObject({ why }),
  close: z.strictObject({ why }),
  cancel: z.strictObject({}),
  cancelCall: z.strictObject({ call, why }),
  raise: z.strictObject({
    totalTokens: limit,
    inputTokens: limit,
    outputTokens: limit,
    cost: limit,
    toolCalls: limit,
    activeMs: limit,
    why,
  }),
  ...AGAIN_BODIES,
} as const;

export type CommandName = keyof typeof BODIES;
type Body<Name extends CommandName> = z.infer<(typeof BODIES)[Name]>;

type Author = { readonly by?: string };

const COMMANDS: {
  readonly [Name in CommandName]: (
    run: RunHandle,
    body: Body<Name>,
    by: Author,
    ground: CommandGround,
  ) => Promise<unknown>;
} = {
  decide: (run, decision, by) => run.decide(given({ ...decision, ...by })),
  send: (run, { text, id }, by) => run.send(text, { id, ...by }),
  steer: (run, { text, id }, by) => run.steer(text, { id, ...by }),
  interrupt: (run, { text, id }, by) => run.interrupt(text, { id, ...by }),
  pause: (run, body, by) => run.pause(given({ ...body, ...by })),
  resume: (run, body, by) => run.resume(given({ ...body, ...by })),
  stop: (run, body, by) => run.stop(given({ ...body, ...by })),
  close: (run, body, by) => run.close(given({ ...body, ...by })),
  cancel: (run) => run.cancel(),
  cancelCall: (run, { call, ...body }, by) => run.cancelCall(call, given({ ...body, ...by })),
  raise: (run, { why, ...budget }, by) => run.raise(given(budget), given({ why, ...by })),
  ...AGAIN,
};

export function isCommand(name: string): name is CommandName {
  return Object.hasOwn(BODIES, name);
}

export type Checked =
  | { readonly problem: string }
  | { readonly execute: (run: RunHandle, ground: CommandGround) => Promise<unknown> };

export function checkCommand(name: CommandName, body: unknown, by: string | null, roles: readonly string[]): Checked {
  const parsed = BODIES[name].safeParse(body);
  if (!parsed.success) return { problem: z.prettifyError(parsed.error) };
  const carryOut = COMMANDS[name] as (
    run: RunHandle,
    body: unknown,
    by: Author,
    ground: CommandGround,
  ) => Promise<unknown>;
  const data = name === 'decide' && roles.length > 0 ? { ...parsed.data, roles } : parsed.data;
  return { execute: (run, ground) => carryOut(run, data, by === null ? {} : { by }, ground) };
}
