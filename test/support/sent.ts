// What the model was sent, read from its requests.
import type { Run } from '../../client/index.ts';
import type { Message } from '../../core/types.ts';
import type { Bench } from './bench.ts';

/** Every conversation that an agent's model was sent, instructions first, in the order of the requests. */
export function sentTo(bench: Bench, agent: { readonly name: string }): Message[][] {
  return bench.model.requests
    .filter((request) => request.agent === agent.name)
    .map(({ body }) => (body as { messages: Message[] }).messages);
}

/** The longest conversation that the model was sent for this run, without the instructions; told by the run's input. */
export function lastSent(bench: Bench, agent: { readonly name: string }, run: Run): Message[] | undefined {
  const mine = sentTo(bench, agent).filter((messages) => messages[1]?.content === run.input);
  return mine.toSorted((a, b) => b.length - a.length)[0]?.slice(1);
}
