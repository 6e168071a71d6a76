// `steer`, `interrupt`, `pause`, `resume`, `stop`, `cancel-call`, `raise` and `close`: what a run is told to do.
import type { RunSnapshot } from '../../core/types.ts';
import { howTo } from '../commands/approvals.ts';
import { wholeNumber } from '../exit.ts';
import { inertLine } from '../terminal/inert.ts';
import { typed } from '../terminal/typed.ts';
import { amountTyped, timeTyped } from '../view/budget.ts';
import { anyCall, message, setting } from './parameters.ts';
import { type Given, type GivenOnce, type Outcome, type RunCommand, runCommand } from './types.ts';

interface Order<Values>
  extends Pick<RunCommand<Values>, 'description' | 'parameters' | 'isOnce' | 'notInChat' | 'problem'> {
  give(given: GivenOnce, values: Values): Promise<RunSnapshot>;
  say(id: string, told: Given & { readonly snapshot: RunSnapshot }, values: Values): string | Promise<string>;
}

function order<Values>(name: string, { give, say, ...declared }: Order<Values>) {
  return runCommand<Values>({
    ...declared,
    name,
    json: 'print one JSON object: how the run stands',
    async carryOut(given, values): Promise<Outcome> {
      const snapshot = await give(given, values);
      return {
        json: { workflowId: given.handle.workflowId, ...snapshot },
        counts: true,
        say: (id) => say(id, { ...given, snapshot }, values),
      };
    },
  });
}

const onceAs = ({ said, messageId }: GivenOnce) => ({ ...said, ...(messageId !== undefined && { id: messageId }) });

interface Limits {
  readonly tokens?: number;
  readonly cost?: number;
  readonly modelCalls?: number;
  readonly toolCalls?: number;
  readonly active?: number;
}

export const ORDERS = [
  order<{ readonly message: string }>('steer', {
    description: 'give the model a message for its next turn',
    parameters: { message: message({ isRequired: true }) },
    isOnce: true,
    give: (given, values) => given.handle.steer(values.message, onceAs(given)),
    say: (id) => `${id} hears it at its next turn.`,
  }),
  order<{ readonly message?: string }>('interrupt', {
    description: 'abort the tools and the model call in flight, and continue',
    parameters: { message: message({ isRequired: false }) },
    isOnce: true,
    notInChat: 'Ctrl-C does it',
    give: (given, values) => given.handle.interrupt(values.message, onceAs(given)),
    say: (id, told, values) => interrupted(id, told, values.message !== undefined),
  }),
  order('pause', {
    description: 'start nothing new until resume; running calls finish',
    parameters: {},
    give: ({ handle, said }) => handle.pause(said),
    say: (id, { handle, flags }) =>
      `${id} is paused: what runs goes on. Let it go on: ${typed(['resume', handle.workflowId], flags)}`,
  }),
  order('resume', {
    description: 'continue after a pause',
    parameters: {},
    give: ({ handle, said }) => handle.resume(said),
    say: (id) => `${id} goes on.`,
  }),
  order('stop', {
    description: 'end a run at its next boundary, with what there is; running calls may finish',
    parameters: {},
    give: ({ handle, said }) => handle.stop(said),
    say: (id, { handle, flags }) =>
      `${id} ends when what runs has finished. Follow it: ${typed(['watch', handle.workflowId], flags)}`,
  }),
  order<{ readonly call: string }>('cancel-call', {
    description: 'cancel one tool call; the run continues',
    parameters: { call: anyCall },
    give: ({ handle, said }, { call }) => handle.cancelCall(call, said),
    say: (id, _, { call }) => `The call ${inertLine(call, 100)} of ${id} is cancelled.`,
  }),
  order<Limits>('raise', {
    description: 'raise limits of the budget; each is the new limit, not an increment',
    parameters: {
      tokens: setting('n', 'tokens in and out', wholeNumber),
      cost: setting('amount', 'in the currency of the prices', amountTyped),
      modelCalls: setting('n', 'model calls', wholeNumber),
      toolCalls: setting('n', 'tool calls', wholeNumber),
      active: setting('duration', 'time in which something runs: 30m, 2h', timeTyped),
    },
    problem: (limits) => (Object.keys(limits).length === 0 ? 'Say which limit to raise' : null),
    give: ({ handle, said }, { active, ...limits }) =>
      handle.raise({ ...limits, ...(active !== undefined && { activeMs: active }) }, said),
    say: (id) => `The budget of ${id} is raised.`,
  }),
  order('close', {
    description: 'end a session when its messages are answered',
    parameters: {},
    give: ({ handle, said }) => handle.close(said),
    say: (id) => `${id} ends when its messages are answered.`,
  }),
];

async function interrupted(
  id: string,
  { handle, snapshot: { state }, flags }: Given & { readonly snapshot: RunSnapshot },
  withMessage: boolean,
): Promise<string> {
  const stopped = `What ${id} was doing is stopped`;
  if (state === 'paused')
    return `${stopped}; it is paused. Let it go on: ${typed(['resume', handle.workflowId], flags)}`;
  // What waited for a decision is stopped with the rest, but a budget stays used up.
  const question = state === 'waiting' && (await handle.questions()).find(({ kind }) => kind === 'budget');
  if (question) return `${stopped}; it still waits for its budget. ${howTo(handle.workflowId, question, flags)}`;
  if (state === 'stopping') return `${stopped}; it ends.`;
  const isRestingSession = state === 'idle' || (!withMessage && (await handle.read()).session);
  if (isRestingSession) return `${stopped}; it waits for its next message.`;
  return `${stopped}; it goes on${withMessage ? ' with the message' : ''}.`;
}
