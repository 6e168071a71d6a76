// `holdfast send`: sends a session its next message; with --wait, prints the reply.
import { Command } from 'commander';
import type { Reply } from '../../core/types.ts';
import { type AttachmentOptions, uploaded, withAttachmentOptions } from '../attachmentOptions.ts';
import {
  type Author,
  addressFlags,
  authorOf,
  settingsOf,
  untilInterrupted,
  withAuthorOptions,
  withHoldfast,
} from '../connected.ts';
import { EXIT } from '../exit.ts';
import { readText } from '../runCommands/onCommandLine.ts';
import { parseMessage } from '../runCommands/parameters.ts';
import { commandLine } from '../terminal/commandLine.ts';
import { idText, inert, inertLine } from '../terminal/inert.ts';
import { printJson, toStderr, toStdout } from '../terminal/output.ts';

interface SendOptions extends Author, AttachmentOptions {
  readonly id?: string;
  readonly wait?: boolean;
  readonly json?: boolean;
}

export function sendCommand(): Command {
  const command = new Command('send')
    .description('send a session its next message')
    .argument('<id>', 'workflow id of the session')
    .argument('<message>', 'text of the message; "-" reads it from stdin')
    .option('--wait', 'wait for the reply and print it')
    .option('--id <id>', 'id of the message; sent again with the same id, it is one message')
    .option('--json', 'print one JSON object');
  return withAuthorOptions(withAttachmentOptions(command)).action(
    async (session: string, message: string, options: SendOptions, command: Command) => {
      const text = parseMessage(await readText(message, { readsStdin: true }));
      const { id, wait, json } = options;
      const flags = addressFlags(settingsOf(command));
      await withHoldfast(command, async (holdfast) => {
        const attachments = await uploaded(holdfast, options);
        const sendOptions = { ...authorOf(options), ...(id !== undefined && { id }), ...attachments };
        const handle = holdfast.get(session);
        const { paused } = await handle.read();
        if (paused) toStderr(`The session is paused; it answers after: ${commandLine(['resume', session], flags)}`);
        if (!wait) {
          const sent = await handle.send(text, sendOptions);
          const follow = commandLine(['watch', session], flags);
          if (json) printJson({ workflowId: session, ...sent });
          else toStdout(`Message ${sent.message} of ${idText(session)}. Follow it: ${follow}`);
          return EXIT.completed;
        }
        const { signal, stop } = untilInterrupted();
        try {
          const reply = await handle.ask(text, { ...sendOptions, signal });
          if (json) printJson({ workflowId: session, message: reply.message, reply });
          else printReply(reply);
          return reply.status === 'completed' ? EXIT.completed : EXIT.otherwise;
        } catch (error) {
          if (!signal.aborted) throw error;
          toStderr(`Stopped waiting; the message is sent. See the reply: ${commandLine(['watch', session], flags)}`);
          return EXIT.interrupted;
        } finally {
          stop();
        }
      });
    },
  );
}

function printReply({ status, output, reason }: Reply): void {
  if (output !== null) toStdout(inert(output));
  if (status !== 'completed') toStderr(`The reply ended as ${status}${reason ? `: ${inertLine(reason, 600)}` : ''}`);
}
