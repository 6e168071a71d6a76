// The lists of the console. Pages ask for them every few seconds: those that ask for the same at the same time are one request to
// the server.
import type { FoundStats, Holdfast, Inbox, Labels, RunSummary } from '../../client/index.ts';
import { statusesOf } from './statusFilter.ts';

export interface ListQuery {
  /** Words: parts of the workflow id or of the agent's name, and labels as `key=value`. */
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
  /** Of the runs that started in the last so many hours. */
  stats(hours: number): Promise<FoundStats>;
}

/** How long an answer serves other pages. */
const FRESH_MS = 1_000;
/** Of numbers, for which hundreds of histories are read. */
const STATS_FRESH_MS = 15_000;
/** Of these the ones that fit are shown: a filter on what the server cannot look for reads that many at most. */
const SCANNED_MAX = 2_000;
const INBOX_MAX = 200;
const STATS_MAX = 1_000;

export function listsOf(holdfast: Holdfast): Lists {
  const answers = new Map<string, Promise<unknown>>();

  function once<T>(key: string, ask: () => Promise<T>, freshMs = FRESH_MS): Promise<T> {
    const known = answers.get(key);
    if (known) return known as Promise<T>;
    const answer = ask();
    answers.set(key, answer);
    const forget = () => answers.delete(key);
    answer.then(() => setTimeout(forget, freshMs).unref(), forget);
    return answer;
  }

  async function runs({ text, status, limit }: ListQuery): Promise<RunList> {
    const { words, labels } = wordsIn(text);
    const statuses = status === '' ? undefined : statusesOf(status);
    if (statuses === null) return { runs: [], hasMore: false };
    const isFiltered = words.length > 0;
    const listed = await holdfast.list({
      limit: isFiltered ? SCANNED_MAX : limit + 1,
      labels,
      ...(statuses && { status: statuses }),
    });
    const fitting = listed.filter((run) => hasWords(run, words));
    return { runs: fitting.slice(0, limit), hasMore: fitting.length > limit || listed.length === SCANNED_MAX };
  }

  return {
    runs: (query) => once(JSON.stringify(query), () => runs(query)),
    stats: (hours) =>
      once(
        `stats ${hours}`,
        () => holdfast.stats({ sinceMs: Date.now() - hours * 3_600_000, limit: STATS_MAX }),
        STATS_FRESH_MS,
      ),
    inbox: () => once('inbox', () => holdfast.inbox({ limit: INBOX_MAX })),
  };
}

function wordsIn(text: string): { readonly words: readonly string[]; readonly labels: Labels } {
  const all = text.split(/\s+/).filter((word) => word !== '');
  const isLabel = (word: string) => word.indexOf('=') > 0;
  const pairs = all
    .filter(isLabel)
    .map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]);
  return {
    words: all.filter((word) => !isLabel(word)).map((word) => word.toLowerCase()),
    labels: Object.fromEntries(pairs),
  };
}

function hasWords({ workflowId, agent }: RunSummary, words: readonly string[]): boolean {
  const names = `${workflowId}\n${agent ?? ''}`.toLowerCase();
  return words.every((word) => names.includes(word));
}
