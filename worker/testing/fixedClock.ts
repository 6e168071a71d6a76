// A clock that stands still, for the functions of an agent only: everything else, Temporal's SDK among it, keeps the time of the machine.
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Agent } from '../../activities/define/types.ts';

const fixedMs = new AsyncLocalStorage<number>();
let users = 0;
let own: DateConstructor | null = null;

/** Lets `Date` stand still in the functions of `withClock`, until the returned function is called. */
export function fixClock(): () => void {
  users += 1;
  own ??= globalThis.Date;
  if (users === 1) globalThis.Date = fixedDate(own);
  let isOpen = true;
  return () => {
    if (!isOpen) return;
    isOpen = false;
    users -= 1;
    if (users > 0) return;
    globalThis.Date = own!;
    own = null;
  };
}

function fixedDate(real: DateConstructor): DateConstructor {
  const now = () => fixedMs.getStore() ?? real.now();
  return new Proxy(real, {
    construct: (target, given, newTarget) => Reflect.construct(target, given.length === 0 ? [now()] : given, newTarget),
    apply: () => new real(now()).toString(),
    get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
  });
}

/** The agent with functions for which it is always this time: instructions, budget, guardrails and approvals. */
export function withClock(agent: Agent, nowMs: number): Agent {
  const at = <Value>(value: Value): Value => {
    if (typeof value !== 'function') return value;
    const then = (...args: unknown[]) => fixedMs.run(nowMs, () => value(...args));
    // It takes and returns the same.
    return then as Value;
  };
  const all = <Values extends object>(values: Values): Values =>
    // They have the same names.
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, at(value)])) as Values;
  return {
    ...agent,
    instructions: at(agent.instructions),
    budget: at(agent.budget),
    guardrails: all(agent.guardrails),
    approvals: all(agent.approvals),
  };
}
