// How long a conversation is, and the note that stands in it for messages which are no longer there. The note counts what
// it stands for, so that one that takes the place of another knows of all that went before.
import { BYTES_A_TOKEN } from './limits.ts';
import { count, jsonBytes, plural } from './text.ts';
import type { Message } from './types.ts';

/** What messages take, estimated: nobody but the provider counts their tokens. */
export function tokensOf(messages: readonly Message[]): number {
  return messages.reduce((sum, message) => sum + tokensOfBytes(jsonBytes(message)), 0);
}

export function tokensOfBytes(bytes: number): number {
  return Math.ceil(bytes / BYTES_A_TOKEN);
}

/** Messages that are no longer there. */
export interface Gone {
  readonly messages: number;
  /** Answers of the model among them. */
  readonly turns: number;
  /** How often each tool was called. */
  readonly calls: Readonly<Record<string, number>>;
}

/** What these messages say, counted; a note among them counts as what it stands for. */
export function countGone(messages: readonly Message[]): Gone {
  let gone = 0;
  let turns = 0;
  const calls = new Map<string, number>();
  const add = (tool: string, times: number) => calls.set(tool, (calls.get(tool) ?? 0) + times);
  for (const message of messages) {
    const before = readNote(message);
    gone += before?.messages ?? 1;
    turns += before?.turns ?? (message.role === 'assistant' ? 1 : 0);
    for (const [tool, times] of Object.entries(before?.calls ?? {})) add(tool, times);
    if (message.role === 'assistant') for (const call of message.tool_calls ?? []) add(call.function.name, 1);
  }
  return { messages: gone, turns, calls: Object.fromEntries(calls) };
}

/** Tools that a note names: the most called. A model may make up names without end. */
const TOOLS_NAMED_MAX = 40;

/** A user's message, since every model API takes one at this place; the head says that no user wrote it. */
export function noteOf({ messages, turns, calls }: Gone, text: string): Message {
  const named = Object.entries(calls)
    .sort(([, a], [, b]) => b - a)
    .slice(0, TOOLS_NAMED_MAX)
    .map(([tool, times]) => `${tool} ${count(times)}`);
  const called = named.length === 0 ? '' : ` Calls in them: ${named.join(', ')}.`;
  const head = `[${plural(messages, 'earlier message')} (${plural(turns, 'turn')}) stood here.${called}]`;
  return { role: 'user', content: `${head}\n${text}` };
}

const HEAD = /^\[([\d,]+) earlier messages? \(([\d,]+) turns?\) stood here\.(?: Calls in them: ([^\]\n]*)\.)?\]\n/;

/** What a message stands for; null for one that is no note. */
export function readNote({ role, content }: Message): Gone | null {
  const [, messages, turns, called = ''] = (role === 'user' && HEAD.exec(content)) || [];
  if (messages === undefined || turns === undefined) return null;
  const calls = called.split(', ').flatMap((part): [string, number][] => {
    const [, tool, times] = /^(\S+) ([\d,]+)$/.exec(part) ?? [];
    return tool === undefined || times === undefined ? [] : [[tool, number(times)]];
  });
  return { messages: number(messages), turns: number(turns), calls: Object.fromEntries(calls) };
}

function number(counted: string): number {
  return Number(counted.replaceAll(',', ''));
}
