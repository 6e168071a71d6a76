// The questions that are open in a run and its sub-agents, kept from what happens in them.
import type { RunHandle } from '../../client/index.ts';
import { callActivityId } from '../../core/names.ts';
import type { Question } from '../../core/types.ts';
import type { FamilyEvent } from './family.ts';

export interface OpenQuestion {
  /** Where it is: the same for the same question. */
  readonly key: string;
  readonly handle: RunHandle;
  readonly question: Question;
}

interface OpenQuestions {
  /** In the order in which they were asked. */
  readonly all: readonly OpenQuestion[];
  /** Takes in what happened; whether that has opened or closed a question. */
  add(happened: FamilyEvent): boolean;
}

function createOpenQuestions(): OpenQuestions {
  const open = new Map<string, OpenQuestion>();
  return {
    get all() {
      return [...open.values()];
    },
    add({ handle, event }) {
      const of = (place: string) => `${handle.workflowId} ${place}`;
      switch (event.type) {
        case 'question': {
          const { question } = event;
          const key = of(question.kind === 'budget' ? 'budget' : question.call);
          open.set(key, { key, handle, question });
          return true;
        }
        case 'decided':
          return open.delete(of(event.decision.call));
        case 'call_ended':
          return open.delete(of(callActivityId(event.call.turn, event.call.slot)));
        case 'ordered':
          return event.order === 'raise' && open.delete(of('budget'));
        // A run that asks its model, or is over, waits for nobody: also where no event has said what became of a question.
        case 'asked':
        case 'ended': {
          const gone = [...open.values()].filter((one) => one.handle.workflowId === handle.workflowId);
          for (const { key } of gone) open.delete(key);
          return gone.length > 0;
        }
        default:
          return false;
      }
    },
  };
}

/** A question is told of when nothing more has come for so long: of the past, it has been answered by then. */
const QUIET_MS = 250;

/**
 * Takes what happens, and gives on what is open: all of it whenever it changes, or each question once. What closes a
 * question is given on at once, so that nobody answers it any more.
 */
export function tellOfQuestions(
  to: ((open: readonly OpenQuestion[]) => void) | { readonly say: (one: OpenQuestion) => void },
): { add(happened: FamilyEvent): void; close(): void } {
  const open = createOpenQuestions();
  const known = new Set<Question>();
  let quiet: NodeJS.Timeout | undefined;

  function tell(): void {
    for (const one of open.all) {
      if (typeof to !== 'function' && !known.has(one.question)) to.say(one);
      known.add(one.question);
    }
    if (typeof to === 'function') to(open.all);
  }
  return {
    add(happened) {
      const { type } = happened.event;
      if (open.add(happened) && type !== 'question' && typeof to === 'function')
        to(open.all.filter(({ question }) => known.has(question)));
      // What streams comes all the time, and is of now.
      if (type === 'text' || type === 'calling' || type === 'attempt' || type === 'progress') return;
      clearTimeout(quiet);
      quiet = setTimeout(tell, QUIET_MS);
    },
    close: () => clearTimeout(quiet),
  };
}
