// The transcript as the reader puts it together, and the messages of people in what the model was sent.
import { attachmentsField } from '../attachments.ts';
import type { Message, ModelCallInput } from '../types.ts';
import type { Reading, UserMessages } from './reading.ts';
import type { OpenTurn } from './turns.ts';

/** The messages that a model call or a compaction is sent. */
type Sent = Partial<Pick<ModelCallInput, 'fresh' | 'heard'>>;

/** Returns the transcript as it is now, without the instructions. */
export function conversation(reading: Reading): Message[] {
  const { before, sentToFailedCompaction } = reading;
  return [...before, ...unsentInput(reading), ...messagesSince(reading), ...sentToFailedCompaction];
}

/** Returns the input, until it was sent to the model. */
function unsentInput({ turns, before, run }: Reading): Message[] {
  const isUnsent = turns.length === 0 && before.length === 0 && run.input !== '';
  return isUnsent ? [{ role: 'user', content: run.input, ...attachmentsField(run.attachments) }] : [];
}

/** Turns that are not in `before`. */
function turnsSince({ turns, turnsBefore }: Reading): OpenTurn[] {
  return turns.slice(turnsBefore);
}

/** Returns the messages of the turns that are not in `before`; without the user messages of `repeated`, which are sent again. */
export function messagesSince(reading: Reading, repeated?: OpenTurn): Message[] {
  return turnsSince(reading).flatMap((turn) => [
    ...(turn.turn === repeated?.turn ? [] : turn.userMessages),
    ...messagesFrom(turn),
  ]);
}

/** What a turn adds to the transcript: the answer, the results of its calls, and what the engine tells the model. */
export function messagesFrom({ answer, calls, retryMessage }: OpenTurn): Message[] {
  return [
    ...(answer ? [answer.message] : []),
    ...calls.flatMap(({ callId, text, attachments }): Message[] =>
      text === null ? [] : [{ role: 'tool', tool_call_id: callId, content: text, ...attachmentsField(attachments) }],
    ),
    ...(retryMessage === undefined ? [] : [{ role: 'user', content: retryMessage } as const]),
  ];
}

/** Returns the messages of people among those sent: all with the role `user`, except a retry message of the engine. */
export function userMessagesIn(reading: Reading, { fresh, heard }: Sent): UserMessages {
  const last = turnsSince(reading).at(-1);
  // A turn without an answer is repeated, with the same messages.
  const repeats = last && !last.answer && last.takenAtMs === null ? last : undefined;
  // Those that the run began with are in the transcript already.
  const messages = (fresh ?? heard ?? []).filter(({ role }) => role === 'user').slice(reading.unseenBefore);
  const { retryMessage } = turnsSince(reading).findLast(({ takenAtMs }) => takenAtMs !== null) ?? {};
  const isRetry = retryMessage !== undefined && messages[0]?.content === retryMessage;
  return { messages: isRetry ? messages.slice(1) : messages, repeats };
}
