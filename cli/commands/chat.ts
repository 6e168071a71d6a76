// `holdfast chat`: a conversation with an agent in a session. The session is on the server: it is left and come back to,
// from any machine.
import { Command } from 'commander';
import { type Holdfast, NoWorker, type StartOptions } from '../../client/index.ts';
import { chatOnPipe } from '../chat/chatPiped.ts';
import type { Chat } from '../chat/chatSession.ts';
import { chatOnTerminal } from '../chat/chatTerminal.ts';
import { addressFlags, nameTyped, settingsOf, whoTypes, withHoldfast } from '../connected.ts';
import { EXIT, sayError, UsageError, wholeNumber } from '../exit.ts';
import { inertLine } from '../terminal/inert.ts';
import { TYPED, typed } from '../terminal/typed.ts';
import { BUDGET_HELP, budgetTyped } from '../view/budget.ts';

interface ChatOptions extends StartOptions {
  readonly by?: string;
  readonly json?: boolean;
  readonly close?: boolean;
}

export function chatCommand(): Command {
  return new Command('chat')
    .description('talk with an agent in a session, which stays when you leave')
    .argument('<agent>', 'the name of the agent')
    .option('--id <id>', 'the session\'s workflow id: comes back to it, or starts it (default: "<agent>-<short id>")')
    .option('--max-turns <n>', "model calls at most for each message (default: the agent's own)", wholeNumber)
    .option('--parallel <n>', "tool calls at once (default: the agent's own)", wholeNumber)
    .option('--budget <limits>', `what the session may spend: ${BUDGET_HELP}`, budgetTyped)
    .option('--by <name>', 'who speaks; kept with the session (default: your user name)', nameTyped)
    .option('--close', 'end the session when you leave, and all is answered')
    .option('--json', 'print one JSON object a line for each reply, and nothing else')
    .action(async (agent: string, { json, close, by = whoTypes(), ...options }: ChatOptions, command: Command) => {
      if (agent === '') throw new UsageError(`Say which agent: ${TYPED} chat AGENT.`);
      await withHoldfast(command, async (holdfast) => {
        const chat = await openChat(holdfast, agent, options, by, addressFlags(settingsOf(command)));
        const isTerminal = process.stdin.isTTY && process.stdout.isTTY && process.env['TERM'] !== 'dumb';
        try {
          await chat.handle.pickedUp();
        } catch (error) {
          if (!(error instanceof NoWorker)) throw error;
          sayError(error, { json: json === true, next: `Come back: ${chat.comeBack}` });
          return EXIT.noWorker;
        }
        if (isTerminal && !json) return chatOnTerminal(chat, { close: close === true });
        return chatOnPipe(chat, { json: json === true, close: close === true });
      });
    });
}

/** Starts the session, or comes back to the one that has the id. */
async function openChat(
  holdfast: Holdfast,
  agent: string,
  options: StartOptions,
  by: string | undefined,
  flags: string,
): Promise<Chat> {
  const handle = await holdfast.start(agent, '', { ...options, session: true });
  const run = await handle.read();
  const id = handle.workflowId;
  if (run.agent !== agent)
    throw new UsageError(
      `The id ${id} was there before, with agent ${inertLine(run.agent, 64)}. Name that agent, or take another id.`,
    );
  if (!run.session)
    throw new UsageError(
      `${id} is a run, and no session: it takes no messages. See it: ${typed(['show', id], flags)}. Or take another id.`,
    );
  if (run.endedAtMs !== null)
    throw new UsageError(
      `The session ${id} is over: ${run.status}${run.reason ? ` (${inertLine(run.reason, 200)})` : ''}. See it: ${typed(['show', id, '--transcript'], flags)}. Start another one with another id, or none.`,
    );
  return { holdfast, handle, run, ...(by && { by }), flags, comeBack: typed(['chat', agent, '--id', id], flags) };
}
