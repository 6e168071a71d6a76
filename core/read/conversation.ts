// The conversation as the reader puts it together, and what the model hears of it when it is asked.

import { toldOutcome } from '../toolFailure.ts';
import type { Message, ModelCallInput } from '../types.ts';
import type { Heard, Reading } from './reading.ts';
import type { RunEvent } from './run.ts';
import { settledAfterTurn } from './settled.ts';
import { type OpenTurn, settle } from './turns.ts';

/** What the model, or a compaction, is sent of the conversation. */
type Sent = Partial<Pick<ModelCallInput, 'known' | 'length' | 'fresh'>>;

/** The conversation as it stands, without the instructions. */
export function conversation(reading: Reading): Message[] {
  return [...reading.before, ...firstAsked(reading), ...saidSince(reading)];
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

/**
 * What the model is sent that is new tells what it hears from people, and what became of calls that ended without an
 * event of their own. Where that was too much for the event, the run's own steps do.
 */
export function heardIn(reading: Reading, sent: Sent, atMs: number): { settled: RunEvent[]; heard: Heard } {
  const { fresh } = sent;
  const last = turnsSince(reading).at(-1);
  const settled = fresh ? answersIn(reading, fresh, atMs) : settledAfterTurn(reading, atMs);
  // A turn without an answer is asked again, with all that it was sent.
  const repeats = last && !last.answer && !last.taken ? last : undefined;
  const again = [...firstAsked(reading), ...(repeats?.heard ?? [])];
  const { tell } = last ?? {};
  const users = (fresh ?? [...again, ...nowHeard(reading, sent, again.length)]).filter(({ role }) => role === 'user');
  const isTold = fresh && tell !== undefined && users[0]?.content === tell;
  return { settled, heard: { users: isTold ? users.slice(1) : users, repeats } };
}

/** What is unheard, as much as fits the length of what was sent: a message of a session waits for its turn. */
function nowHeard(reading: Reading, { length, known }: Sent, others: number): Message[] {
  const { unheard } = reading;
  const answered = turnsSince(reading).findLast(({ taken }) => taken);
  const told = (answered?.calls.length ?? 0) + (answered?.tell === undefined ? 0 : 1) + others;
  const steers = unheard.filter(({ isMessage }) => !isMessage).length;
  let messages = length === undefined || !known ? unheard.length : length - known.length - told - steers;
  return unheard.flatMap(({ text, isMessage }): Message[] => {
    if (isMessage) messages -= 1;
    return isMessage && messages < 0 ? [] : [{ role: 'user', content: text }];
  });
}

/** It is heard now, and by nobody before: not by a turn that is asked again either. */
export function hear({ unheard }: Reading, { users, repeats }: Heard): void {
  if (repeats) repeats.heard = [];
  for (const { content } of users) {
    const at = unheard.findIndex(({ text }) => text === content);
    if (at >= 0) unheard.splice(at, 1);
  }
}

/** The model's own words for what became of the last turn's calls: what it was told holds. */
export function answersIn(reading: Reading, messages: readonly Message[], atMs: number): RunEvent[] {
  const calls = turnsSince(reading).at(-1)?.calls ?? [];
  return messages.flatMap((message) => {
    const call = message.role === 'tool' ? calls.find(({ callId }) => callId === message.tool_call_id) : undefined;
    if (!call || message.role !== 'tool' || call.text === message.content) return [];
    const isNew = call.ok === null;
    const event = settle(call, toldOutcome(call.tool, message.content, call.decision), atMs);
    return isNew ? [event] : [];
  });
}
