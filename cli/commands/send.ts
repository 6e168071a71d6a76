// `holdfast send`: the next message of a session, with its reply or without.
import { Command } from 'commander';
import type { Reply } from '../../core/types.ts';
import {
  addressFlags,
  type SaidOptions,
  saidOf,
  settingsOf,
  untilInterrupted,
  withHoldfast,
  withSaid,
} from '../connected.ts';
import { EXIT } from '../exit.ts';
import { textTyped } from '../runCommands/onCommandLine.ts';
import { messageTyped } from '../runCommands/parameters.ts';
import { inert, inertLine } from '../terminal/inert.ts';
import { typed } from '../terminal/typed.ts';
import { printJson } from '../view/json.ts';

interface SendOptions extends SaidOptions {
  readonly id?: string;
  readonly wait?: boolean;
  readonly json?: boolean;
}

export function sendCommand(): Command {
  const command = new Command('send')
    .description('send a session its next message')
    .argument('<id>', 'the workflow id of the session')
    .argument('<message>', 'what it is told; "-" reads it from stdin')
    .option('--wait', 'wait for the reply, and print it')
    .option('--id <id>', "the message's own id: the same one sent again is taken once")
    .option('--json', 'print one JSON object');
  return withSaid(command).action(async (session: string, message: string, options: SendOptions, command: Command) => {
    const text = messageTyped(await textTyped(message, { readsStdin: true }));
    const { id, wait, json } = options;
    const said = { ...saidOf(options), ...(id !== undefined && { id }) };
    const flags = addressFlags(settingsOf(command));
    await withHoldfast(command, async (holdfast) => {
      const handle = holdfast.get(session);
      const { paused } = await handle.read();
      if (paused)
        process.stderr.write(`The session is paused: it is answered after ${typed(['resume', session], flags)}\n`);
      if (!wait) {
        const sent = await handle.send(text, said);
        const follow = typed(['watch', session], flags);
        if (json) printJson({ workflowId: session, ...sent });
        else process.stdout.write(`Message ${sent.message} of ${inertLine(session, 300)}. Follow it: ${follow}\n`);
        return EXIT.completed;
      }
      const { signal, stop } = untilInterrupted();
      try {
        const reply = await handle.ask(text, { ...said, signal });
        if (json) printJson({ workflowId: session, message: reply.message, reply });
        else printReply(reply);
        return reply.status === 'completed' ? EXIT.completed : EXIT.otherwise;
      } catch (error) {
        if (!signal.aborted) throw error;
        process.stderr.write(`Left; the message is sent. See the reply: ${typed(['watch', session], flags)}\n`);
        return EXIT.interrupted;
      } finally {
        stop();
      }
    });
  });
}

function printReply({ status, output, reason }: Reply): void {
  if (output !== null) process.stdout.write(`${inert(output)}\n`);
  if (status !== 'completed')
    process.stderr.write(`The answer ended as ${status}${reason ? `: ${inertLine(reason, 600)}` : ''}\n`);
}
