// The English of why a run that is played stopped.
import type { Stopped } from './play.ts';

/** What the record lacks, as a sentence. */
export function stoppedText(stopped: Stopped): string {
  switch (stopped.kind) {
    case 'call': {
      const { call, tool, nearest } = stopped;
      const like = nearest ? ` The nearest is ${nearest.call}, with ${JSON.stringify(nearest.arguments)}.` : '';
      return `The record has no call of ${tool} with ${JSON.stringify(stopped.arguments)}, which is call ${call} now.${like}`;
    }
    case 'decision':
      return `The record has no decision about ${stopped.call}, a call of ${stopped.tool}, and the run waits for one now.`;
    case 'answer':
      return `The record has no answer of the model in turn ${stopped.turn}, and the run asks for one now.`;
    case 'waits':
      return stopped.for === 'budget'
        ? 'The run waits for a higher budget, and the record does not say who raised it.'
        : 'The run waits for a message, and the record has none.';
    case 'cancelled':
      return `In the record, ${stopped.activity} was cancelled while it was under way, and nothing cancels it now.`;
    case 'refused':
      return `The run does not accept "${stopped.command}", which it accepted in the record: ${stopped.message}`;
  }
}
