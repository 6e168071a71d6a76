// The conversation as the reader puts it together, and what the model was sent of what people said.
import type { Message, ModelCallInput } from '../types.ts';
import type { Heard, Reading } from './reading.ts';
import type { OpenTurn } from './turns.ts';

/** What the model, or a compaction, is sent of the conversation. */
type Sent = Partial<Pick<ModelCallInput, 'fresh' | 'heard'>>;

/** The conversation as it stands, without the instructions. */
export function conversation(reading: Reading): Message[] {
  const { before, heardInVain } = reading;
  return [...before, ...firstAsked(reading), ...saidSince(reading), ...heardInVain];
}

/** The input, until a turn has heard it. */
function firstAsked({ turns, before, run }: Reading): Message[] {
  const isAsked = turns.length === 0 && before.length === 0 && run.input !== '';
  return isAsked ? [{ role: 'user', content: run.input }] : [];
}

/** Turns that are not in `before`. */
function turnsSince({ turns, turnsBefore }: Reading): OpenTurn[] {
  return turns.slice(turnsBefore);
}

/** What was said in the turns that are not in `before`; of one that is asked again, nothing that it heard. */
export function saidSince(reading: Reading, repeated?: OpenTurn): Message[] {
  return turnsSince(reading).flatMap(({ turn, heard, answer, calls, tell }): Message[] => [
    ...(turn === repeated?.turn ? [] : heard),
    ...(answer ? [answer.message] : []),
    ...calls.flatMap(({ callId, text }): Message[] =>
      text === null ? [] : [{ role: 'tool', tool_call_id: callId, content: text }],
    ),
    ...(tell === undefined ? [] : [{ role: 'user', content: tell } as const]),
  ]);
}

/** What of the messages that are sent people have said: all of the user's, but for what the engine tells the model. */
export function heardIn(reading: Reading, { fresh, heard }: Sent): Heard {
  const last = turnsSince(reading).at(-1);
  // A turn without an answer is asked again, with all that it was sent.
  const repeats = last && !last.answer && last.takenAtMs === null ? last : undefined;
  const users = (fresh ?? heard ?? []).filter(({ role }) => role === 'user');
  const { tell } = turnsSince(reading).findLast(({ takenAtMs }) => takenAtMs !== null) ?? {};
  const isTold = tell !== undefined && users[0]?.content === tell;
  return { users: isTold ? users.slice(1) : users, repeats };
}
