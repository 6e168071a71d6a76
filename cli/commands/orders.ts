// `holdfast steer`, `interrupt`, `pause`, `resume`, `stop`, `cancel-call`, `raise` and `close`: what a run is told to do.
import { text as readAll } from 'node:stream/consumers';
import { Command } from 'commander';
import type { RunHandle } from '../../client/index.ts';
import { MESSAGE_BYTES_MAX } from '../../core/limits.ts';
import { count, utf8Length } from '../../core/text.ts';
import type { Budget, RunSnapshot } from '../../core/types.ts';
import { addressFlags, type SaidOptions, saidOf, settingsOf, withHoldfast, withSaid } from '../connected.ts';
import { EXIT, UsageError, wholeNumber } from '../exit.ts';
import { inertLine } from '../terminal/inert.ts';
import { typed } from '../terminal/typed.ts';
import { amountTyped, timeTyped } from '../view/budget.ts';
import { printJson } from '../view/json.ts';
import { howTo } from './approvals.ts';

interface OrderOptions extends SaidOptions {
  readonly json?: boolean;
}

interface OnceOptions extends OrderOptions {
  readonly id?: string;
}

interface RaiseOptions extends OrderOptions {
  readonly tokens?: number;
  readonly cost?: number;
  readonly modelCalls?: number;
  readonly toolCalls?: number;
  readonly active?: number;
}

interface Given {
  readonly handle: RunHandle;
  readonly said: SaidOptions;
  readonly flags: string;
}

interface Told extends Given {
  /** How the run stands after it. */
  readonly standing: RunSnapshot;
}

export function orderCommands(): Command[] {
  return [
    steerCommand(),
    interruptCommand(),
    plainCommand('pause', 'start nothing new until resume; what runs goes on', {
      give: ({ handle, said }) => handle.pause(said),
      tell: (id, { flags }) => `${id} is paused: what runs goes on. Let it go on: ${typed(['resume', id], flags)}`,
    }),
    plainCommand('resume', 'go on after a pause', {
      give: ({ handle, said }) => handle.resume(said),
      tell: (id) => `${id} goes on.`,
    }),
    plainCommand('stop', 'end a run at its next boundary, with what there is: what runs may finish', {
      give: ({ handle, said }) => handle.stop(said),
      tell: (id, { flags }) => `${id} ends when what runs has finished. Follow it: ${typed(['watch', id], flags)}`,
    }),
    cancelCallCommand(),
    raiseCommand(),
    plainCommand('close', 'end a session when its messages are answered', {
      give: ({ handle, said }) => handle.close(said),
      tell: (id) => `${id} ends when its messages are answered.`,
    }),
  ];
}

function ordered(name: string, description: string): Command {
  const command = new Command(name).description(description).argument('<id>', 'the workflow id of the run');
  return command.option('--json', 'print one JSON object: how the run stands');
}

async function carryOut(
  command: Command,
  id: string,
  options: OrderOptions,
  give: (given: Given) => Promise<RunSnapshot>,
  tell: (id: string, given: Told) => string | Promise<string>,
): Promise<void> {
  const flags = addressFlags(settingsOf(command));
  await withHoldfast(command, async (holdfast) => {
    const given = { handle: holdfast.get(id), said: saidOf(options), flags };
    const standing = await give(given);
    if (options.json) printJson({ workflowId: id, ...standing });
    else process.stdout.write(`${await tell(inertLine(id, 300), { ...given, standing })}\n`);
    return EXIT.completed;
  });
}

interface Plain {
  readonly give: (given: Given) => Promise<RunSnapshot>;
  readonly tell: (id: string, given: Told) => string;
}

function plainCommand(name: string, description: string, { give, tell }: Plain): Command {
  return withSaid(ordered(name, description)).action((id: string, options: OrderOptions, command: Command) =>
    carryOut(command, id, options, give, tell),
  );
}

/** What a run would refuse is a mistake of typing here, as with the input of `run`. */
export async function messageTyped(message: string): Promise<string> {
  const text = message === '-' ? await readAll(process.stdin) : message;
  if (text.trim() === '') throw new UsageError('There is nothing in the message.');
  const bytes = utf8Length(text);
  if (bytes > MESSAGE_BYTES_MAX)
    throw new UsageError(`The message has ${count(bytes)} bytes; ${count(MESSAGE_BYTES_MAX)} are allowed.`);
  return text;
}

function onceFor(command: Command): Command {
  return withSaid(command).option('--id <id>', 'an id of its own: the same one sent again is taken once');
}

function idOf({ id }: OnceOptions): OnceOptions {
  return { ...(id !== undefined && { id }) };
}

function steerCommand(): Command {
  const command = ordered('steer', 'tell the model something at its next turn').argument(
    '<message>',
    'what it is told; "-" reads it from stdin',
  );
  return onceFor(command).action(async (id: string, message: string, options: OnceOptions, command: Command) => {
    const text = await messageTyped(message);
    await carryOut(
      command,
      id,
      options,
      ({ handle, said }) => handle.steer(text, { ...said, ...idOf(options) }),
      () => `${inertLine(id, 300)} hears it at its next turn.`,
    );
  });
}

function interruptCommand(): Command {
  const command = ordered('interrupt', 'stop the tools and the model call in flight, and go on').argument(
    '[message]',
    'what the model is told; "-" reads it from stdin',
  );
  return onceFor(command).action(
    async (id: string, message: string | undefined, options: OnceOptions, command: Command) => {
      const text = message === undefined ? undefined : await messageTyped(message);
      await carryOut(
        command,
        id,
        options,
        ({ handle, said }) => handle.interrupt(text, { ...said, ...idOf(options) }),
        (shown, given) => interrupted(shown, given, text !== undefined),
      );
    },
  );
}

async function interrupted(
  id: string,
  { handle, standing: { state }, flags }: Pick<Told, 'handle' | 'standing' | 'flags'>,
  withMessage: boolean,
): Promise<string> {
  const stopped = `What ${id} was doing is stopped`;
  const message = withMessage ? ' with the message' : '';
  if (state === 'paused')
    return `${stopped}; it is paused. Let it go on: ${typed(['resume', handle.workflowId], flags)}`;
  // What waited for a decision is stopped with the rest, but a budget stays used up.
  const question = state === 'waiting' && (await handle.questions()).find(({ kind }) => kind === 'budget');
  if (question) return `${stopped}; it still waits for its budget. ${howTo(handle.workflowId, question, flags)}`;
  if (state === 'stopping') return `${stopped}; it ends.`;
  const isRestingSession = state === 'idle' || (!withMessage && (await handle.read()).session);
  if (isRestingSession) return `${stopped}; it waits for its next message.`;
  return `${stopped}; it goes on${message}.`;
}

function cancelCallCommand(): Command {
  const command = ordered('cancel-call', 'stop one tool call; the run goes on').argument(
    '<call>',
    'its place in the run, 2.0, or the id that the model gave it',
  );
  return withSaid(command).action((id: string, call: string, options: OrderOptions, command: Command) =>
    carryOut(
      command,
      id,
      options,
      ({ handle, said }) => handle.cancelCall(call, said),
      (shown) => `The call ${inertLine(call, 100)} of ${shown} is cancelled.`,
    ),
  );
}

function raiseCommand(): Command {
  const command = ordered('raise', 'raise limits of the budget; each is the new limit, not what is added')
    .option('--tokens <n>', 'tokens in and out', wholeNumber)
    .option('--cost <amount>', 'in the currency of the prices', amountTyped)
    .option('--model-calls <n>', 'model calls', wholeNumber)
    .option('--tool-calls <n>', 'tool calls', wholeNumber)
    .option('--active <duration>', 'time in which something runs: 30m, 2h', timeTyped);
  return withSaid(command).action((id: string, options: RaiseOptions, command: Command) => {
    const budget = raised(options);
    if (Object.keys(budget).length === 0)
      throw new UsageError('Say which limit to raise: --tokens, --cost, --model-calls, --tool-calls or --active.');
    return carryOut(
      command,
      id,
      options,
      ({ handle, said }) => handle.raise(budget, said),
      (shown) => `The budget of ${shown} is raised.`,
    );
  });
}

function raised({ tokens, cost, modelCalls, toolCalls, active }: RaiseOptions): Omit<Budget, 'atLimit'> {
  return {
    ...(tokens !== undefined && { tokens }),
    ...(cost !== undefined && { cost }),
    ...(modelCalls !== undefined && { modelCalls }),
    ...(toolCalls !== undefined && { toolCalls }),
    ...(active !== undefined && { activeMs: active }),
  };
}
