// `steer`, `interrupt`, `pause`, `resume`, `stop`, `cancel-call`, `raise` and `close`: commands that control a run.
import type { RunSnapshot } from '../../core/types.ts';
import { howTo } from '../commands/approvals.ts';
import { wholeNumber } from '../exit.ts';
import { commandLine } from '../terminal/commandLine.ts';
import { inertLine } from '../terminal/inert.ts';
import { parseAmount, parseDuration } from '../view/budget.ts';
import { anyCall, message, setting } from './parameters.ts';
import {
  type CommandContext,
  type CommandContextWithId,
  type CommandResult,
  type RunCommand,
  runCommand,
} from './types.ts';

interface ControlCommand<Values>
  extends Pick<RunCommand<Values>, 'description' | 'parameters' | 'takesMessageId' | 'notInChat' | 'problem'> {
  send(context: CommandContextWithId, values: Values): Promise<RunSnapshot>;
  text(id: string, sent: CommandContext & { readonly snapshot: RunSnapshot }, values: Values): string | Promise<string>;
}

function controlCommand<Values>(name: string, { send, text, ...declared }: ControlCommand<Values>) {
  return runCommand<Values>({
    ...declared,
    name,
    json: 'print one JSON object: the state of the run',
    async execute(context, values): Promise<CommandResult> {
      const snapshot = await send(context, values);
      return {
        json: { workflowId: context.handle.workflowId, ...snapshot },
        isAccepted: true,
        text: (id) => text(id, { ...context, snapshot }, values),
      };
    },
  });
}

const withId = ({ author, messageId }: CommandContextWithId) => ({
  ...author,
  ...(messageId !== undefined && { id: messageId }),
});

interface Limits {
  readonly tokens?: number;
  readonly cost?: number;
  readonly modelCalls?: number;
  readonly toolCalls?: number;
  readonly active?: number;
}

export const CONTROL_COMMANDS = [
  controlCommand<{ readonly message: string }>('steer', {
    description: 'give the model a message for its next turn',
    parameters: { message: message({ isRequired: true }) },
    takesMessageId: true,
    send: (context, values) => context.handle.steer(values.message, withId(context)),
    text: (id) => `${id} receives it at its next turn.`,
  }),
  controlCommand<{ readonly message?: string }>('interrupt', {
    description: 'abort the tools and the model call in flight, and continue',
    parameters: { message: message({ isRequired: false }) },
    takesMessageId: true,
    notInChat: 'Ctrl-C interrupts',
    send: (context, values) => context.handle.interrupt(values.message, withId(context)),
    text: (id, sent, values) => interruptedText(id, sent, values.message !== undefined),
  }),
  controlCommand('pause', {
    description: 'start nothing new until resume; running calls finish',
    parameters: {},
    send: ({ handle, author }) => handle.pause(author),
    text: (id, { handle, flags }) =>
      `${id} is paused; running calls finish. Resume it: ${commandLine(['resume', handle.workflowId], flags)}`,
  }),
  controlCommand('resume', {
    description: 'continue after a pause',
    parameters: {},
    send: ({ handle, author }) => handle.resume(author),
    text: (id) => `${id} continues.`,
  }),
  controlCommand('stop', {
    description: 'stop a run at its next boundary, with the results so far; running calls may finish',
    parameters: {},
    send: ({ handle, author }) => handle.stop(author),
    text: (id, { handle, flags }) =>
      `${id} ends when its running calls have finished. Follow it: ${commandLine(['watch', handle.workflowId], flags)}`,
  }),
  controlCommand<{ readonly call: string }>('cancel-call', {
    description: 'cancel one tool call; the run continues',
    parameters: { call: anyCall },
    send: ({ handle, author }, { call }) => handle.cancelCall(call, author),
    text: (id, _, { call }) => `Call ${inertLine(call, 100)} of ${id} is cancelled.`,
  }),
  controlCommand<Limits>('raise', {
    description: 'raise limits of the budget; each value is the new limit, not an increment',
    parameters: {
      tokens: setting('n', 'input and output tokens', wholeNumber),
      cost: setting('amount', "in the currency of the agent's prices", parseAmount),
      modelCalls: setting('n', 'model calls', wholeNumber),
      toolCalls: setting('n', 'tool calls', wholeNumber),
      active: setting('duration', 'active time: 30m, 2h', parseDuration),
    },
    problem: (limits) => (Object.keys(limits).length === 0 ? 'Name a limit to raise' : null),
    send: ({ handle, author }, { active, ...limits }) =>
      handle.raise({ ...limits, ...(active !== undefined && { activeMs: active }) }, author),
    text: (id) => `The budget of ${id} is raised.`,
  }),
  controlCommand('close', {
    description: 'end a session when its messages are answered',
    parameters: {},
    send: ({ handle, author }) => handle.close(author),
    text: (id) => `${id} ends when its messages are answered.`,
  }),
];

async function interruptedText(
  id: string,
  { handle, snapshot: { state }, flags }: CommandContext & { readonly snapshot: RunSnapshot },
  withMessage: boolean,
): Promise<string> {
  const interrupted = `Interrupted ${id}`;
  if (state === 'paused')
    return `${interrupted}; it is paused. Resume it: ${commandLine(['resume', handle.workflowId], flags)}`;
  // Pending approvals are aborted too, but an exhausted budget stays exhausted.
  const question = state === 'waiting' && (await handle.questions()).find(({ kind }) => kind === 'budget');
  if (question) return `${interrupted}; it still waits for its budget. ${howTo(handle.workflowId, question, flags)}`;
  if (state === 'stopping') return `${interrupted}; it is stopping.`;
  const isIdleSession = state === 'idle' || (!withMessage && (await handle.read()).session);
  if (isIdleSession) return `${interrupted}; it waits for its next message.`;
  return `${interrupted}; it continues${withMessage ? ' with the message' : ''}.`;
}
