// Plays a run of the proof to its end: starts it, acts for the people in it, and reads its result. Servers and workers may die
// at any moment; it retries until it has an answer, as a patient client would.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Holdfast, Run, RunHandle, RunResult, StartOptions } from '../../../client/index.ts';
import { MEMO } from '../../../core/names.ts';
import { toolCalls } from '../../../core/read/run.ts';
import type { Budget, Question } from '../../../core/types.ts';
import type { Plan } from './plan.ts';

export interface Play {
  readonly agent: string;
  readonly plan: Plan;
  readonly options?: Omit<StartOptions, 'id'>;
  /** What people do, in order, each when the run waits for it. */
  readonly people?: readonly Act[];
}

export type Act =
  | { readonly act: 'approve' }
  /** Of what waits for an answer from outside. */
  | { readonly act: 'answer' }
  | { readonly act: 'raise'; readonly budget: Omit<Budget, 'atLimit'> }
  /** The session's next message. */
  | { readonly act: 'say'; readonly plan: Plan }
  | { readonly act: 'close' };

export interface Played {
  readonly result: RunResult;
  readonly run: Run;
  /** Its sub-agents, in the order of their calls. */
  readonly children: readonly Run[];
}

/** The context of every run. */
export const CONTEXT = { tenant: 'acme' };

/** Far beyond any expected duration, also after an outage of ten minutes: the server may let a task wait for ten more. */
const LOST_MS = 1_800_000;
const LOOK_MS = 50;
const AGAIN_MS = 250;

/** Called when the run waits for the act, before it is performed. */
type Before = (act: Act, handle: RunHandle) => Promise<void>;

export async function play(
  holdfast: Holdfast,
  id: string,
  { agent, plan, options = {}, people = [] }: Play,
  before: Before = async () => {},
): Promise<Played> {
  // The same id is the same run, so a start without an answer can be repeated.
  const handle = await persist(() => holdfast.start(agent, JSON.stringify(plan), { context: CONTEXT, ...options, id }));
  for (const [i, act] of people.entries()) {
    const replies = 1 + people.slice(0, i).filter((one) => one.act === 'say').length;
    await persist(() => untilItWaits(handle, act, replies));
    await before(act, handle);
    await persist(() => doAct(handle, act, `${id}-${i}`));
  }
  return playedOf(holdfast, handle);
}

/** Waits for the end of a run. */
export async function playedOf(holdfast: Holdfast, handle: RunHandle): Promise<Played> {
  const result = await persist(() => handle.result());
  const run = await persist(() => handle.read());
  const childIds = toolCalls(run).flatMap(({ childId }) => childId ?? []);
  const children = await Promise.all(childIds.map((child) => persist(() => holdfast.get(child).read())));
  return { result, run, children };
}

/** Retries until there is an answer, or it is clear that none will come. */
export async function persist<T>(ask: () => Promise<T>): Promise<T> {
  const late = AbortSignal.timeout(LOST_MS);
  const tooLate = new Promise<never>((_, reject) => {
    late.addEventListener('abort', () => reject(new Ended(`No answer within ${LOST_MS / 1_000} s.`)), { once: true });
  });
  // Avoids an unhandled rejection once nothing awaits it.
  tooLate.catch(() => undefined);
  for (;;)
    try {
      return await Promise.race([ask(), tooLate]);
    } catch (error) {
      if (error instanceof Ended || late.aborted) throw error;
      await sleep(AGAIN_MS);
    }
}

/** There is nothing left to wait for. */
class Ended extends Error {}

async function untilItWaits(handle: RunHandle, { act }: Act, replies: number): Promise<void> {
  for (;;) {
    const { status, questions } = await handle.read();
    if (status !== 'running') throw new Ended(`${handle.workflowId} ended as ${status} before anybody could ${act}.`);
    if (act === 'approve' || act === 'answer' || act === 'raise') {
      if (questions.some((question) => isFor(act, question))) return;
    } else {
      const { memo } = await handle.describe();
      const replied = memo?.[MEMO.replied] as { readonly message: number } | null | undefined;
      if ((replied?.message ?? 0) >= replies) return;
    }
    await sleep(LOOK_MS);
  }
}

function isFor(act: Act['act'], { kind }: Question): boolean {
  return kind === (act === 'raise' ? 'budget' : 'approval');
}

/** Acts must be repeatable: if an answer is lost, it is unknown whether the act was accepted. */
async function doAct(handle: RunHandle, act: Act, id: string): Promise<void> {
  switch (act.act) {
    case 'approve': {
      const { questions } = await handle.read();
      for (const question of questions) if (question.kind === 'approval') await handle.approve(question.call);
      return;
    }
    case 'answer': {
      const { questions } = await handle.read();
      for (const question of questions)
        if (question.kind === 'approval')
          await handle.respond(question.call, question.input ? '{"sure":true}' : `The answer to ${question.arguments}`);
      return;
    }
    case 'raise': {
      const { questions } = await handle.read();
      if (questions.some(({ kind }) => kind === 'budget')) await handle.raise(act.budget);
      return;
    }
    case 'say':
      return void (await handle.send(JSON.stringify(act.plan), { id }));
    case 'close': {
      const { status } = await handle.read();
      if (status === 'running') await handle.close();
    }
  }
}
