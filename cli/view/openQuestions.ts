// Tracks the open questions of a run and its sub-agents from their events.
import type { RunHandle } from '../../client/index.ts';
import { callActivityId } from '../../core/names.ts';
import type { LiveEvent } from '../../core/read/run.ts';
import type { Question } from '../../core/types.ts';
import type { FamilyEvent } from './family.ts';

/** Streamed events: frequent, and never past. */
const LIVE: ReadonlySet<string> = new Set<LiveEvent['type']>([
  'text',
  'reasoning',
  'call_arguments',
  'attempt',
  'progress',
]);

export interface OpenQuestion {
  /** Run and call; identifies the question. */
  readonly key: string;
  readonly handle: RunHandle;
  readonly question: Question;
}

interface OpenQuestions {
  /** In the order of asking. */
  readonly all: readonly OpenQuestion[];
  /** Applies an event; returns whether it opened or closed a question. */
  add(event: FamilyEvent): boolean;
}

function createOpenQuestions(): OpenQuestions {
  const open = new Map<string, OpenQuestion>();
  return {
    get all() {
      return [...open.values()];
    },
    add({ handle, event }) {
      const keyOf = (id: string) => `${handle.workflowId} ${id}`;
      switch (event.type) {
        case 'question': {
          const { question } = event;
          const key = keyOf(question.kind === 'budget' ? 'budget' : question.call);
          open.set(key, { key, handle, question });
          return true;
        }
        case 'decision':
          return open.delete(keyOf(event.decision.call));
        case 'call_ended':
          return open.delete(keyOf(callActivityId(event.call.turn, event.call.slot)));
        case 'command':
          return event.command === 'raise' && open.delete(keyOf('budget'));
        // A run that calls its model, or is over, waits for nobody, even if no event has closed a question.
        case 'model_call_started':
        case 'ended': {
          const closed = [...open.values()].filter((one) => one.handle.workflowId === handle.workflowId);
          for (const { key } of closed) open.delete(key);
          return closed.length > 0;
        }
        default:
          return false;
      }
    },
  };
}

/** Questions are reported after this long without events: while past events are read, answered ones close first. */
const QUIET_MS = 250;

/**
 * Reports open questions: to a function, all of them whenever they change; to `say`, each one once. A closed question is
 * reported at once, so that nobody answers it.
 */
export function reportQuestions(
  to: ((open: readonly OpenQuestion[]) => void) | { readonly say: (one: OpenQuestion) => void },
): { add(event: FamilyEvent): void; close(): void } {
  const open = createOpenQuestions();
  const reported = new Set<Question>();
  let quiet: NodeJS.Timeout | undefined;

  function report(): void {
    for (const one of open.all) {
      if (typeof to !== 'function' && !reported.has(one.question)) to.say(one);
      reported.add(one.question);
    }
    if (typeof to === 'function') to(open.all);
  }
  return {
    add(event) {
      const { type } = event.event;
      if (open.add(event) && type !== 'question' && typeof to === 'function')
        to(open.all.filter(({ question }) => reported.has(question)));
      if (LIVE.has(type)) return;
      clearTimeout(quiet);
      quiet = setTimeout(report, QUIET_MS);
    },
    close: () => clearTimeout(quiet),
  };
}
