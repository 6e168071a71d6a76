// `holdfast chat`: a conversation with an agent. The session is on the server: leave it and return from any machine.
import { Command } from 'commander';
import { type Holdfast, NoWorker, type StartOptions } from '../../client/index.ts';
import { chatOnPipe } from '../chat/chatPiped.ts';
import type { Chat } from '../chat/chatSession.ts';
import { chatOnTerminal } from '../chat/chatTerminal.ts';
import { addressFlags, parseName, settingsOf, userName, withHoldfast, withTaskQueueOption } from '../connected.ts';
import { EXIT, printError, UsageError, wholeNumber } from '../exit.ts';
import { commandLine, PROGRAM } from '../terminal/commandLine.ts';
import { idText, inertLine } from '../terminal/inert.ts';
import { BUDGET_HELP, parseBudget } from '../view/budget.ts';
import { CONTEXT_HELP, parseContext } from '../view/context.ts';

interface ChatOptions extends StartOptions {
  readonly taskQueue?: string;
  readonly by?: string;
  readonly json?: boolean;
  readonly close?: boolean;
}

export function chatCommand(): Command {
  const command = new Command('chat')
    .description('chat with an agent in a session that stays open when you leave')
    .argument('<agent>', 'name of the agent')
    .option('--id <id>', 'workflow id of the session; returns to it, or starts it (default: "<agent>-<short id>")')
    .option('--max-turns <n>', "maximum model calls per message (default: the agent's)", wholeNumber)
    .option(
      '--parallel <n>',
      "maximum tool calls at once; 1 runs them one after another (default: the agent's)",
      wholeNumber,
    )
    .option('--budget <limits>', `limits for the session: ${BUDGET_HELP}`, parseBudget)
    .option('--context <json>', `context of the session, ${CONTEXT_HELP}`, parseContext)
    .option('--by <name>', 'who writes; recorded with the session (default: your user name)', parseName)
    .option('--close', 'close the session when you leave and everything is answered')
    .option('--json', 'print NDJSON, one object per reply');
  return withTaskQueueOption(command).action(
    async (
      agent: string,
      { json, close, by = userName(), taskQueue: _, ...options }: ChatOptions,
      command: Command,
    ) => {
      if (agent === '') throw new UsageError(`The agent is missing: ${PROGRAM} chat AGENT`);
      await withHoldfast(command, async (holdfast) => {
        const chat = await openChat(holdfast, agent, options, by, addressFlags(settingsOf(command)));
        const isTerminal = process.stdin.isTTY && process.stdout.isTTY && process.env['TERM'] !== 'dumb';
        try {
          await chat.handle.pickedUp();
        } catch (error) {
          if (!(error instanceof NoWorker)) throw error;
          printError(error, { json: json === true, next: `Return with: ${chat.returnWith}` });
          return EXIT.noWorker;
        }
        if (isTerminal && !json) return chatOnTerminal(chat, { close: close === true });
        return chatOnPipe(chat, { json: json === true, close: close === true });
      });
    },
  );
}

/** Starts the session, or opens the one that has the id. */
async function openChat(
  holdfast: Holdfast,
  agent: string,
  options: StartOptions,
  by: string | undefined,
  flags: string,
): Promise<Chat> {
  const handle = await holdfast.start(agent, '', { ...options, ...(by && { by }), session: true });
  const run = await handle.read();
  const id = handle.workflowId;
  const shown = idText(id);
  if (run.agent !== agent)
    throw new UsageError(
      `The id ${shown} is already used by agent ${inertLine(run.agent, 64)}. Name that agent, or choose another id.`,
    );
  if (!run.session)
    throw new UsageError(
      `${shown} is a run, not a session: it takes no messages. Show it: ${commandLine(['show', id], flags)}. Or choose another id.`,
    );
  if (run.endedAtMs !== null)
    throw new UsageError(
      `The session ${shown} is over: ${run.status}${run.reason ? ` (${inertLine(run.reason, 200)})` : ''}. Show it: ${commandLine(['show', id, '--transcript'], flags)}. For a new session, choose another id or omit --id.`,
    );
  return {
    holdfast,
    handle,
    run,
    ...(by && { by }),
    flags,
    returnWith: commandLine(['chat', agent, '--id', id], flags),
  };
}
