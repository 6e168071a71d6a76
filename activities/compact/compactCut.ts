// Cuts a conversation into task, older and recent messages, and shortens messages to fit a limit. Pure; never separates a
// call from its result.
import { withoutAttachments } from '../../core/attachmentLabels.ts';
import { readNote, tokensOf } from '../../core/compaction.ts';
import { BYTES_PER_TOKEN } from '../../core/limits.ts';
import { cutText } from '../../core/text.ts';
import type { AssistantMessage, Message } from '../../core/types.ts';

export interface Cut {
  /** The user's first message, which is kept; empty if the conversation does not begin with one. */
  readonly task: readonly Message[];
  /** The messages to replace. */
  readonly older: readonly Message[];
  /** The last turns, which are kept. */
  readonly recent: readonly Message[];
}

/** Keeps the last `keepTurns` turns, or fewer if they have more than `tokensMax`; the last turn is always kept. */
export function cutConversation(messages: readonly Message[], keepTurns: number, tokensMax: number): Cut {
  const [first] = messages;
  const from = first?.role === 'user' && !readNote(first) ? 1 : 0;
  const starts = turnStarts(messages).slice(-keepTurns);
  // Without an answer of the model there is no turn, and nothing to replace.
  const fitting = starts.find((start) => tokensOf(messages.slice(start)) <= tokensMax);
  const at = Math.max(from, fitting ?? starts.at(-1) ?? from);
  const older = messages.slice(from, at);
  // Replacing a note alone would gain nothing: another note takes its place.
  const isWorthIt = older.some((message) => !readNote(message));
  return isWorthIt
    ? { task: messages.slice(0, from), older, recent: messages.slice(at) }
    : { task: messages.slice(0, from), older: [], recent: messages.slice(from) };
}

/** A turn begins with the user messages since the last answer, and ends with the results of its calls. */
function turnStarts(messages: readonly Message[]): number[] {
  return messages.flatMap(({ role }, i) => {
    if (role !== 'assistant') return [];
    let start = i;
    while (messages[start - 1]?.role === 'user') start -= 1;
    return [start];
  });
}

/** Texts are never cut shorter than this, so that one can still see what they were. */
const TEXT_CHARS_MIN = 200;

/**
 * Shortens messages to `tokensMax`, as far as possible. The longest tool results are cut first, all to the same length;
 * other texts only if that is not enough, and then images and files are left out. Messages that already fit are returned unchanged.
 */
export function fitMessages(messages: readonly Message[], tokensMax: number): readonly Message[] {
  if (tokensOf(messages) <= tokensMax) return messages;
  const cut = cutLongest(messages, tokensMax, (message, chars) =>
    message.role === 'tool' ? withText(message, chars) : message,
  );
  const all = tokensOf(cut) <= tokensMax ? cut : cutLongest(cut, tokensMax, withText);
  return tokensOf(all) <= tokensMax ? all : withFewerAttachments(all, tokensMax);
}

/** Leaves out images and files, of the oldest messages first, until the rest fits. */
function withFewerAttachments(messages: readonly Message[], tokensMax: number): readonly Message[] {
  const fewer = [...messages];
  for (const [at, message] of messages.entries()) {
    if (tokensOf(fewer) <= tokensMax) break;
    fewer[at] = withoutAttachments(message);
  }
  return fewer;
}

/** Applies `cutTo` with the greatest length at which all messages fit, found by bisection. */
function cutLongest(
  messages: readonly Message[],
  tokensMax: number,
  cutTo: (message: Message, chars: number) => Message,
): readonly Message[] {
  let fits = TEXT_CHARS_MIN;
  let exceeds = Math.ceil(tokensMax * BYTES_PER_TOKEN);
  while (exceeds - fits > 1) {
    const chars = Math.floor((fits + exceeds) / 2);
    if (tokensOf(messages.map((message) => cutTo(message, chars))) <= tokensMax) fits = chars;
    else exceeds = chars;
  }
  return messages.map((message) => cutTo(message, fits));
}

function withText(message: Message, chars: number): Message {
  const { content } = message;
  const cut = content !== null && content.length > chars ? { ...message, content: cutText(content, chars) } : message;
  // Only the text has changed, not the role.
  return message.role === 'assistant' ? withArguments(cut as AssistantMessage, chars) : (cut as Message);
}

/** Shortens the arguments of calls. They must stay valid JSON. */
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
