// What can be typed in a chat besides messages: decisions, orders, and what they say in return.
import { InvalidArgumentError } from 'commander';
import type { Budget, RunHandle } from '../../client/index.ts';
import { plural } from '../../core/text.ts';
import type { SaidOptions } from '../connected.ts';
import { budgetTyped, spendText } from '../view/budget.ts';
import { decisionText } from '../view/people.ts';

/** The command makes no sense as it was typed; the message says how it is typed. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

interface Order {
  readonly handle: RunHandle;
  /** Who gives it. */
  readonly said: SaidOptions;
  /** What stands behind the command's name. */
  readonly rest: string;
}

interface Command {
  readonly usage: string;
  readonly does: string;
  carryOut(order: Order): Promise<readonly string[]>;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  approve: {
    usage: '/approve [CALL] [WHY]',
    does: 'lets a call run',
    carryOut: ({ handle, said, rest }) => {
      const [call, why] = callAnd(rest);
      return decided(handle.approve(call, { ...said, ...(why && { why }) }));
    },
  },
  reject: {
    usage: '/reject [CALL] [WHY]',
    does: 'keeps it from running; the model is told why',
    carryOut: ({ handle, said, rest }) => {
      const [call, why] = callAnd(rest);
      return decided(handle.reject(call, { ...said, ...(why && { why }) }));
    },
  },
  edit: {
    usage: '/edit [CALL] JSON',
    does: 'lets it run with these arguments',
    carryOut: ({ handle, said, rest }) => {
      const [call, json] = callAnd(rest);
      return decided(handle.edit(call, argumentsOf(json), said));
    },
  },
  respond: {
    usage: '/respond [CALL] TEXT',
    does: "answers in the tool's place",
    carryOut: ({ handle, said, rest }) => {
      const [call, text] = callAnd(rest);
      if (text === '') throw new CommandError('Say what to tell the model: /respond [CALL] TEXT');
      return decided(handle.respond(call, text, said));
    },
  },
  steer: {
    usage: '/steer TEXT',
    does: 'tells the model something in the middle of its work',
    carryOut: async ({ handle, said, rest }) => {
      if (rest === '') throw new CommandError('Say what to tell the model: /steer TEXT');
      await handle.steer(rest, said);
      return [];
    },
  },
  'cancel-call': {
    usage: '/cancel-call CALL',
    does: 'stops one call',
    carryOut: async ({ handle, said, rest }) => {
      if (rest === '') throw new CommandError('Say which call: /cancel-call 2.0');
      await handle.cancelCall(rest, said);
      return [];
    },
  },
  pause: {
    usage: '/pause',
    does: 'starts nothing new until /resume',
    carryOut: async ({ handle, said }) => {
      await handle.pause(said);
      return [];
    },
  },
  resume: {
    usage: '/resume',
    does: 'goes on',
    carryOut: async ({ handle, said }) => {
      await handle.resume(said);
      return [];
    },
  },
  raise: {
    usage: '/raise tokens=N,cost=N',
    does: 'raises limits of the budget',
    carryOut: async ({ handle, said, rest }) => {
      await handle.raise(limitsOf(rest), said);
      return [];
    },
  },
  stop: {
    usage: '/stop [WHY]',
    does: 'ends the session with what there is',
    carryOut: async ({ handle, said, rest }) => {
      await handle.stop({ ...said, ...(rest && { why: rest }) });
      return [];
    },
  },
  close: {
    usage: '/close',
    does: 'ends the session when all is answered',
    carryOut: async ({ handle, said }) => {
      await handle.close(said);
      return [];
    },
  },
  cost: {
    usage: '/cost',
    does: 'what the session has spent',
    carryOut: async ({ handle }) => {
      const { turns, spend } = await handle.read();
      return [`${plural(turns.length, 'turn')}, ${spendText(spend)}`];
    },
  },
  help: { usage: '/help', does: 'this', carryOut: async () => HELP },
};

const HELP: readonly string[] = [
  ...Object.values(COMMANDS).map(({ usage, does }) => `${usage}  ${does}`),
  '/quit  leaves; the session goes on. So do Ctrl-D, and Ctrl-C when nothing runs',
  'Ctrl-C  interrupts what runs',
  '\\ at the end of a line: the message goes on in the next',
  '// at the beginning: a message that begins with /',
];

/** Carries out what was typed, without its slash, and gives what there is to say about it. */
export async function obey(typed: string, handle: RunHandle, said: SaidOptions): Promise<readonly string[]> {
  const [, name = '', rest = ''] = /^(\S*)\s*(.*)$/s.exec(typed) ?? [];
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command)
    throw new CommandError(`There is no /${name}. /help lists what there is; //${name} sends it as a message.`);
  return command.carryOut({ handle, said, rest: rest.trim() });
}

/** A call's place at the beginning, if there is one, and the rest. */
function callAnd(rest: string): [string | undefined, string] {
  const [, call, more = ''] = /^(\d+\.\d+)?\s*(.*)$/s.exec(rest) ?? [];
  return [call, more];
}

async function decided(decision: ReturnType<RunHandle['decide']>): Promise<string[]> {
  const standing = await decision;
  // What was decided just now is told by the session itself.
  return standing.isFirst ? [] : [`It was decided before: ${decisionText(standing)}`];
}

function argumentsOf(json: string): object {
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Attribution below, as for what is JSON and no object.
  }
  throw new CommandError('Give the arguments as a JSON object: /edit [CALL] {"amount": 5}');
}

function limitsOf(rest: string): Omit<Budget, 'atLimit'> {
  try {
    const { atLimit: _, ...limits } = budgetTyped(rest.trim().replaceAll(/[\s,]+/g, ','));
    return limits;
  } catch (error) {
    throw error instanceof InvalidArgumentError ? new CommandError(error.message) : error;
  }
}
