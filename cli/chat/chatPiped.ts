// A chat where nobody watches: a line of stdin is a message, its reply goes to stdout, one after the other.
import { once } from 'node:events';
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
import { saidOf, untilInterrupted } from '../connected.ts';
import { EXIT, exitCodeOf, sayError } from '../exit.ts';
import { inert, inertLine } from '../terminal/inert.ts';
import { typed } from '../terminal/typed.ts';
import { questionText } from '../view/people.ts';
import { knownUntilMs } from './chatPast.ts';
import type { Chat } from './chatSession.ts';
import { talkWith } from './chatTalk.ts';

interface PipeOptions {
  readonly json: boolean;
  readonly close: boolean;
}

export async function chatOnPipe(chat: Chat, { json, close }: PipeOptions): Promise<number> {
  const { handle, comeBack } = chat;
  const interrupt = untilInterrupted();
  const leave = new AbortController();
  const signal = AbortSignal.any([interrupt.signal, leave.signal]);
  const lines = createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY });
  signal.addEventListener('abort', () => lines.close());
  const talk = talkWith(chat, signal);
  let allAnswered = true;
  if (!json) say(`Session ${handle.workflowId}. Come back: ${comeBack}`);
  const watching = sayWhoIsWaitedFor(chat, signal);
  try {
    for await (const text of messagesOf(lines)) {
      const reply = await talk.say(text);
      allAnswered = reply.status === 'completed' && allAnswered;
      await printReply(reply, handle.workflowId, json);
    }
    if (close && !signal.aborted) await handle.close(saidOf(chat));
  } catch (error) {
    if (!interrupt.signal.aborted) return await failed(error, chat, json);
  } finally {
    interrupt.stop();
    lines.close();
    leave.abort();
    await watching;
  }
  if (interrupt.signal.aborted) {
    say(`Left ${handle.workflowId}, which goes on. Come back: ${comeBack}`);
    return EXIT.interrupted;
  }
  return allAnswered ? EXIT.completed : EXIT.otherwise;
}

/** The messages of some lines: one that ends with a backslash goes on in the next. Empty ones say nothing. */
async function* messagesOf(lines: AsyncIterable<string>): AsyncGenerator<string> {
  const held: string[] = [];
  for await (const line of lines) {
    held.push(line.endsWith('\\') ? line.slice(0, -1) : line);
    if (line.endsWith('\\')) continue;
    const text = held.splice(0).join('\n');
    if (text.trim() !== '') yield text;
  }
  const rest = held.join('\n');
  if (rest.trim() !== '') yield rest;
}

async function printReply(reply: Reply, workflowId: string, json: boolean): Promise<void> {
  const { message, status, output, reason } = reply;
  if (json) return write(`${JSON.stringify({ workflowId, ...reply })}\n`);
  if (output !== null) await write(`${inert(output)}\n`);
  if (status !== 'completed') say(`Message ${message}: ${status}${reason ? `: ${inertLine(reason, 600)}` : ''}`);
}

/** A reader that is slower than the agent makes us wait, and nothing pile up. */
async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}

/** Nobody can be asked here: whoever reads stderr hears what the session waits for. */
async function sayWhoIsWaitedFor({ handle, run, flags }: Chat, signal: AbortSignal): Promise<void> {
  const asked = new Set<string>();
  const tell = (question: Question) => {
    const text = questionText(question);
    if (!asked.has(text)) say(`Waits for a person: ${text}. ${howTo(handle.workflowId, question, flags)}`);
    asked.add(text);
  };
  const paused = () => say(`Paused: messages are answered after ${typed(['resume', handle.workflowId], flags)}`);
  run.questions.forEach(tell);
  if (run.paused) paused();
  const since = knownUntilMs(run);
  const openedAtMs = Date.now();
  try {
    for await (const event of handle.events({ signal })) {
      if (event.type === 'question' && event.atMs > since) tell(event.question);
      if (event.type === 'ordered' && event.order === 'pause' && event.atMs > openedAtMs) paused();
    }
  } catch {
    // What is wrong with the server, the next message tells.
  }
}

async function failed(error: unknown, { handle, comeBack }: Chat, json: boolean): Promise<number> {
  if (error instanceof RunOver) {
    const { status, reason } = await handle.read();
    say(`The session ${handle.workflowId} is over: ${status}${reason ? ` (${inertLine(reason, 600)})` : ''}.`);
    return EXIT.otherwise;
  }
  const isOurs = [TemporalUnreachable, NoWorker, CommandRejected].some((type) => error instanceof type);
  if (!isOurs) throw error;
  sayError(error, { json, next: `Come back: ${comeBack}` });
  return exitCodeOf(error);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
