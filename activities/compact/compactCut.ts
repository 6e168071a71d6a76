// Where a conversation is cut in two, and how what stays is made to fit: pure, and never between a call and its answer.
import { readNote, tokensOf } from '../../core/compaction.ts';
import { BYTES_A_TOKEN } from '../../core/limits.ts';
import { cutText } from '../../core/text.ts';
import type { AssistantMessage, Message } from '../../core/types.ts';

export interface Cut {
  /** The first thing that was asked, which stays; empty where the conversation does not begin with it. */
  readonly task: readonly Message[];
  /** What goes. */
  readonly older: readonly Message[];
  /** The last turns, which stay. */
  readonly recent: readonly Message[];
}

/** Keeps the last `keepTurns` turns; fewer where they have more than `tokensMax`, and the last one always. */
export function cutConversation(messages: readonly Message[], keepTurns: number, tokensMax: number): Cut {
  const [first] = messages;
  const from = first?.role === 'user' && !readNote(first) ? 1 : 0;
  const starts = turnStarts(messages).slice(-keepTurns);
  // Without an answer there is no turn, and nothing that could go.
  const fitting = starts.find((start) => tokensOf(messages.slice(start)) <= tokensMax);
  const at = Math.max(from, fitting ?? starts.at(-1) ?? from);
  const older = messages.slice(from, at);
  // A note alone would only make room for another.
  const isWorthIt = older.some((message) => !readNote(message));
  return isWorthIt
    ? { task: messages.slice(0, from), older, recent: messages.slice(at) }
    : { task: messages.slice(0, from), older: [], recent: messages.slice(from) };
}

/** A turn begins with what was said to the model since its last answer, and ends with the results of its calls. */
function turnStarts(messages: readonly Message[]): number[] {
  return messages.flatMap(({ role }, i) => {
    if (role !== 'assistant') return [];
    let start = i;
    while (messages[start - 1]?.role === 'user') start -= 1;
    return [start];
  });
}

/** However little room there is, this much of a text stays: it should be seen what it was. */
const TEXT_CHARS_MIN = 200;

/**
 * The same messages within `tokensMax`, as far as that can be: the longest results of tools are cut first, all to one
 * length, and only where that is not enough the other texts. Those that fit are given back as they are.
 */
export function fitMessages(messages: readonly Message[], tokensMax: number): readonly Message[] {
  if (tokensOf(messages) <= tokensMax) return messages;
  const cut = cutLongest(messages, tokensMax, (message, chars) =>
    message.role === 'tool' ? withText(message, chars) : message,
  );
  return tokensOf(cut) <= tokensMax ? cut : cutLongest(cut, tokensMax, withText);
}

/** The greatest length to which `cutTo` can leave the texts, so that all fit. */
function cutLongest(
  messages: readonly Message[],
  tokensMax: number,
  cutTo: (message: Message, chars: number) => Message,
): readonly Message[] {
  let fits = TEXT_CHARS_MIN;
  let tooMuch = Math.ceil(tokensMax * BYTES_A_TOKEN);
  while (tooMuch - fits > 1) {
    const chars = Math.floor((fits + tooMuch) / 2);
    if (tokensOf(messages.map((message) => cutTo(message, chars))) <= tokensMax) fits = chars;
    else tooMuch = chars;
  }
  return messages.map((message) => cutTo(message, fits));
}

function withText(message: Message, chars: number): Message {
  const { content } = message;
  const cut = content !== null && content.length > chars ? { ...message, content: cutText(content, chars) } : message;
  // A text was cut to a text.
  return message.role === 'assistant' ? withArguments(cut as AssistantMessage, chars) : (cut as Message);
}

/** What was asked for long ago need not be there in full, but it has to be JSON. */
function withArguments(message: AssistantMessage, chars: number): Message {
  const { tool_calls: calls } = message;
  if (!calls?.some((call) => call.function.arguments.length > chars)) return message;
  return {
    ...message,
    tool_calls: calls.map((call) => {
      const { name, arguments: args } = call.function;
      if (args.length <= chars) return call;
      return { ...call, function: { name, arguments: JSON.stringify({ cut: cutText(args, chars) }) } };
    }),
  };
}
