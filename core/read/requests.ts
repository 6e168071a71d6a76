// What the requests of a run were made of. Each message is listed once, in the order in which the model got it, and a turn has a range of
// them, so that this grows with the run and not with its square.
import type { Message, RequestRecord } from '../types.ts';
import { messagesFrom } from './conversation.ts';
import type { TurnRequest } from './run.ts';
import type { OpenTurn } from './turns.ts';

export function requestsIn(turns: readonly OpenTurn[]): {
  readonly messages: readonly Message[];
  /** By turn. */
  readonly requests: readonly (TurnRequest | null)[];
} {
  const messages: Message[] = [];
  const add = (more: readonly Message[]) => {
    for (const one of more) messages.push(one);
  };
  let from = 0;
  let open: readonly Message[] | undefined;
  const requests = turns.map((turn, i): TurnRequest | null => {
    const { asked, instructions, answer, userMessages } = turn;
    if (!asked) return null;
    if (asked.before === open) add(messagesFrom(turns[i - 1]!));
    else {
      open = asked.before;
      from = messages.length;
      add(open);
      for (const earlier of turns.slice(asked.turnsBefore, i)) add([...earlier.userMessages, ...messagesFrom(earlier)]);
    }
    add(userMessages);
    return { from, to: messages.length, instructions, recorded: recordedIn(answer?.request) };
  });
  return { messages, requests };
}

function recordedIn(request: RequestRecord | undefined): TurnRequest['recorded'] {
  if (!request) return null;
  const { framed: _, ...recorded } = request;
  return recorded;
}
