// A chat without a terminal: each line of stdin is a message, and its reply goes to stdout, in order.
import { createInterface } from 'node:readline';
import {
  CommandRejected,
  NoWorker,
  type Question,
  type Reply,
  RunOver,
  TemporalUnreachable,
} from '../../client/index.ts';
import { howTo } from '../commands/approvals.ts';
import { authorOf, untilInterrupted } from '../connected.ts';
import { EXIT, exitCodeOf, printError } from '../exit.ts';
import { commandLine } from '../terminal/commandLine.ts';
import { idText, inert, inertLine } from '../terminal/inert.ts';
import { printJsonLine, stdoutDrained, toStderr, toStdout } from '../terminal/output.ts';
import { questionText } from '../view/people.ts';
import { knownUntilMs } from './chatRecap.ts';
import type { Chat } from './chatSession.ts';
import { talkWith } from './chatTalk.ts';

interface PipeOptions {
  readonly json: boolean;
  readonly close: boolean;
}

export async function chatOnPipe(chat: Chat, { json, close }: PipeOptions): Promise<number> {
  const { handle, returnWith } = chat;
  const interrupt = untilInterrupted();
  const leave = new AbortController();
  const signal = AbortSignal.any([interrupt.signal, leave.signal]);
  const lines = createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY });
  signal.addEventListener('abort', () => lines.close());
  const talk = talkWith(chat, signal);
  let allAnswered = true;
  if (!json) toStderr(`Session ${idText(handle.workflowId)}. Return with: ${returnWith}`);
  const watching = printQuestions(chat, signal);
  try {
    for await (const text of messagesOf(lines)) {
      const reply = await talk.send(text);
      allAnswered = reply.status === 'completed' && allAnswered;
      await printReply(reply, handle.workflowId, json);
    }
    if (close && !signal.aborted) await handle.close(authorOf(chat));
  } catch (error) {
    if (!interrupt.signal.aborted) return await failed(error, chat, json);
  } finally {
    interrupt.stop();
    lines.close();
    leave.abort();
    await watching;
  }
  if (interrupt.signal.aborted) {
    toStderr(`Left ${idText(handle.workflowId)}, which continues. Return with: ${returnWith}`);
    return EXIT.interrupted;
  }
  return allAnswered ? EXIT.completed : EXIT.otherwise;
}

/** Joins lines that end with a backslash with the next line, and skips empty messages. */
async function* messagesOf(lines: AsyncIterable<string>): AsyncGenerator<string> {
  const pending: string[] = [];
  for await (const line of lines) {
    pending.push(line.endsWith('\\') ? line.slice(0, -1) : line);
    if (line.endsWith('\\')) continue;
    const text = pending.splice(0).join('\n');
    if (text.trim() !== '') yield text;
  }
  const rest = pending.join('\n');
  if (rest.trim() !== '') yield rest;
}

async function printReply(reply: Reply, workflowId: string, json: boolean): Promise<void> {
  const { message, status, output, reason } = reply;
  if (json) printJsonLine({ workflowId, ...reply });
  else if (output !== null) toStdout(inert(output));
  await stdoutDrained();
  if (json) return;
  if (status !== 'completed') toStderr(`Message ${message}: ${status}${reason ? `: ${inertLine(reason, 600)}` : ''}`);
}

/** Prints what the session waits for to stderr: nobody can be asked here. */
async function printQuestions({ handle, run, flags }: Chat, signal: AbortSignal): Promise<void> {
  const printed = new Set<string>();
  const print = (question: Question) => {
    const text = questionText(question);
    if (!printed.has(text)) toStderr(`Waits for a person: ${text}. ${howTo(handle.workflowId, question, flags)}`);
    printed.add(text);
  };
  const printPaused = () =>
    toStderr(`Paused: messages are answered after ${commandLine(['resume', handle.workflowId], flags)}`);
  run.questions.forEach(print);
  if (run.paused) printPaused();
  const since = knownUntilMs(run);
  const openedAtMs = Date.now();
  try {
    for await (const event of handle.events({ signal })) {
      if (event.type === 'question' && event.atMs > since) print(event.question);
      if (event.type === 'command' && event.command === 'pause' && event.atMs > openedAtMs) printPaused();
    }
  } catch {
    // The next message reports problems of the server.
  }
}

async function failed(error: unknown, { handle, returnWith }: Chat, json: boolean): Promise<number> {
  if (error instanceof RunOver) {
    const { status, reason } = await handle.read();
    toStderr(
      `The session ${idText(handle.workflowId)} is over: ${status}${reason ? ` (${inertLine(reason, 600)})` : ''}.`,
    );
    return EXIT.otherwise;
  }
  const isOurs = [TemporalUnreachable, NoWorker, CommandRejected].some((type) => error instanceof type);
  if (!isOurs) throw error;
  printError(error, { json, next: `Return with: ${returnWith}` });
  return exitCodeOf(error);
}
