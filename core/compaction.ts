// The size of a transcript, and the note that replaces compacted messages. A note counts what it replaces, so that a later
// compaction, which replaces the note as well, can add up.
import { attachmentsOf, tokensOfAttachment } from './attachments.ts';
import { BYTES_PER_TOKEN } from './limits.ts';
import { count, jsonBytes, plural } from './text.ts';
import type { Message } from './types.ts';

/** Estimates the tokens of messages. Only the provider can count them. */
export function tokensOf(messages: readonly Message[]): number {
  return messages.reduce((sum, message) => sum + tokensOfMessage(message), 0);
}

function tokensOfMessage(message: Message): number {
  const attachments = attachmentsOf(message);
  if (attachments.length === 0) return tokensOfBytes(jsonBytes(message));
  const text = tokensOfBytes(jsonBytes({ ...message, attachments: undefined }));
  return attachments.reduce((sum, attachment) => sum + tokensOfAttachment(attachment), text);
}

export function tokensOfBytes(bytes: number): number {
  return Math.ceil(bytes / BYTES_PER_TOKEN);
}

/** Counts of replaced messages. */
export interface Replaced {
  readonly messages: number;
  /** How many of them are answers of the model. */
  readonly turns: number;
  /** How often they call each tool. */
  readonly calls: Readonly<Record<string, number>>;
}

/** Counts messages; a note among them counts as the messages that it replaced. */
export function countReplaced(messages: readonly Message[]): Replaced {
  let total = 0;
  let turns = 0;
  const calls = new Map<string, number>();
  const add = (tool: string, times: number) => calls.set(tool, (calls.get(tool) ?? 0) + times);
  for (const message of messages) {
    const before = readNote(message);
    total += before?.messages ?? 1;
    turns += before?.turns ?? (message.role === 'assistant' ? 1 : 0);
    for (const [tool, times] of Object.entries(before?.calls ?? {})) add(tool, times);
    if (message.role === 'assistant') for (const call of message.tool_calls ?? []) add(call.function.name, 1);
  }
  return { messages: total, turns, calls: Object.fromEntries(calls) };
}

/** A note names the tools that were called most: a model may make up any number of names. */
const TOOLS_NAMED_MAX = 40;

/** Makes a note. It is a user message, which every model API accepts here; its head says that no user wrote it. */
export function noteOf({ messages, turns, calls }: Replaced, text: string): Message {
  const named = Object.entries(calls)
    .sort(([, a], [, b]) => b - a)
    .slice(0, TOOLS_NAMED_MAX)
    .map(([tool, times]) => `${tool} ${count(times)}`);
  const called = named.length === 0 ? '' : ` Calls in them: ${named.join(', ')}.`;
  const head = `[${plural(messages, 'earlier message')} (${plural(turns, 'turn')}) stood here.${called}]`;
  return { role: 'user', content: `${head}\n${text}` };
}

const HEAD = /^\[([\d,]+) earlier messages? \(([\d,]+) turns?\) stood here\.(?: Calls in them: ([^\]\n]*)\.)?\]\n/;

/** Returns what a note replaced; null for other messages. */
export function readNote({ role, content }: Message): Replaced | null {
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
