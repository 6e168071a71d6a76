// The lists of the console. Pages ask for them every few seconds: those that ask for the same at the same time are one request to
// the server.
import type { Holdfast, Inbox, RunSummary } from '../../client/index.ts';
import { fits } from './shownStatus.ts';

export interface ListQuery {
  /** A part of the workflow id or of the agent's name. */
  readonly text: string;
  /** As the page shows it: `running`, `waiting`, `failing`, or how a run ended; '' for all. */
  readonly status: string;
  readonly limit: number;
}

export interface RunList {
  readonly runs: readonly RunSummary[];
  /** Whether there may be more that fit. */
  readonly hasMore: boolean;
}

export interface Lists {
  runs(query: ListQuery): Promise<RunList>;
  inbox(): Promise<Inbox>;
}

/** How long an answer serves other pages. */
const FRESH_MS = 1_000;
/** Of these the ones that fit are shown: a filter on what the server cannot look for reads that many at most. */
const SCANNED_MAX = 2_000;
const INBOX_MAX = 200;

export function listsOf(holdfast: Holdfast): Lists {
  const answers = new Map<string, Promise<unknown>>();

  function once<T>(key: string, ask: () => Promise<T>): Promise<T> {
    const known = answers.get(key);
    if (known) return known as Promise<T>;
    const answer = ask();
    answers.set(key, answer);
    const forget = () => answers.delete(key);
    answer.then(() => setTimeout(forget, FRESH_MS).unref(), forget);
    return answer;
  }

  async function runs({ text, status, limit }: ListQuery): Promise<RunList> {
    const isFiltered = text !== '' || status !== '';
    const listed = await holdfast.list({ limit: isFiltered ? SCANNED_MAX : limit + 1 });
    const fitting = listed.filter((run) => hasText(run, text) && fits(run, status));
    return { runs: fitting.slice(0, limit), hasMore: fitting.length > limit || listed.length === SCANNED_MAX };
  }

  return {
    runs: (query) => once(JSON.stringify(query), () => runs(query)),
    inbox: () => once('inbox', () => holdfast.inbox({ limit: INBOX_MAX })),
  };
}

function hasText({ workflowId, agent }: RunSummary, text: string): boolean {
  const wanted = text.toLowerCase();
  return workflowId.toLowerCase().includes(wanted) || (agent ?? '').toLowerCase().includes(wanted);
}
