// The lists of the console. Pages ask for them every few seconds: those that ask for the same at the same time are one request to
// the server.
import { withClientErrors } from '../../client/connect.ts';
import type { FoundStats, Holdfast, Inbox, Labels, ListOptions, RunSummary } from '../../client/index.ts';
import { listedStatus } from '../../client/lists/listedStatus.ts';
import { withInputs as addInputs, type InputOptions } from '../../client/lists/runInputs.ts';
import { InputSearches } from './inputSearches.ts';
import { LIMIT_MAX, type ListQuery } from './listQuery.ts';
import { isFailing, statusesOf } from './statusFilter.ts';

interface Fitting {
  readonly runs: readonly RunSummary[];
  /** Whether older runs were not looked at. */
  readonly isCut: boolean;
}

export interface RunList {
  readonly runs: readonly RunSummary[];
  /** Whether there may be more that fit. */
  readonly hasMore: boolean;
  /** With a text of the input: how far the search is. */
  readonly search: Search | null;
}

export interface Search {
  /** Number of runs whose inputs were read. */
  readonly searched: number;
  readonly isRunning: boolean;
  /** Whether older runs were left out. */
  readonly isCut: boolean;
}

export interface Lists {
  runs(query: ListQuery): Promise<RunList>;
  inbox(): Promise<Inbox>;
  /** Of the runs that started in the last so many hours. */
  stats(hours: number): Promise<FoundStats>;
}

/** How long an answer serves other pages. */
const FRESH_MS = 1_000;
/** Of a time that is over, for which the server lists all that was since. */
const PAST_FRESH_MS = 10_000;
/** Of numbers, for which hundreds of histories are read. */
const STATS_FRESH_MS = 15_000;
/** Of these the ones that fit are shown: a filter on what the server cannot look for reads that many at most. */
const SCANNED_MAX = 2_000;
const INBOX_MAX = 200;
const STATS_MAX = 1_000;
const HOUR_MS = 3_600_000;

export function listsOf(holdfast: Holdfast): Lists {
  const answers = new Map<string, Promise<unknown>>();
  const searches = new InputSearches();

  function once<T>(key: string, ask: () => Promise<T>, freshMs = FRESH_MS): Promise<T> {
    const known = answers.get(key);
    if (known) return known as Promise<T>;
    const answer = ask();
    answers.set(key, answer);
    const forget = () => answers.delete(key);
    answer.then(() => setTimeout(forget, freshMs).unref(), forget);
    return answer;
  }

  /** The runs in question, in their order, as far as they are read. */
  async function fitting(query: ListQuery, limit: number): Promise<Fitting> {
    const { status, agent, failingFirst } = query;
    const { words, labels } = wordsIn(query.text);
    const statuses = status === '' ? undefined : statusesOf(status);
    if (statuses === null) return { runs: [], isCut: false };
    const isFiltered = words.length > 0 || failingFirst;
    const listed = await holdfast.list({
      ...periodOf(query),
      ...(agent !== '' && { agent }),
      ...(statuses && { status: statuses }),
      labels,
      limit: isFiltered ? SCANNED_MAX : limit,
    });
    const runs = listed.filter((run) => hasWords(run, words));
    return {
      runs: failingFirst
        ? runs.toSorted((a, b) => Number(isFailing(listedStatus(b))) - Number(isFailing(listedStatus(a))))
        : runs,
      isCut: isFiltered && listed.length === SCANNED_MAX,
    };
  }

  function withInputs(runs: readonly RunSummary[], options: InputOptions<RunSummary>): Promise<RunSummary[]> {
    return withClientErrors(holdfast.address, Array.fromAsync(addInputs(holdfast.client, runs, options)));
  }

  async function latest(query: ListQuery): Promise<RunList> {
    const { runs, isCut } = await fitting(query, query.limit + 1);
    const { limit } = query;
    const shown = await withInputs(runs.slice(0, limit), { withInput: true, limit });
    return { runs: shown, hasMore: runs.length > limit || isCut, search: null };
  }

  async function search({ limit, ...query }: ListQuery): Promise<RunList> {
    const { found, ...progress } = await searches.ask(JSON.stringify(query), async ({ onSearch, isWanted }) => {
      const scope = await fitting({ ...query, limit }, SCANNED_MAX);
      const isAll = !scope.isCut && scope.runs.length < SCANNED_MAX;
      await withInputs(scope.runs, {
        input: query.input,
        limit: LIMIT_MAX,
        searchLimit: SCANNED_MAX,
        isWanted,
        onSearch: (one) => onSearch({ ...one, isCut: !isAll || one.isCut }),
      });
    });
    return { runs: found.slice(0, limit), hasMore: found.length > limit, search: progress };
  }

  return {
    runs: (query) =>
      query.input === ''
        ? once(JSON.stringify(query), () => latest(query), query.untilMs === null ? FRESH_MS : PAST_FRESH_MS)
        : search(query),
    stats: (hours) =>
      once(
        `stats ${hours}`,
        () => holdfast.stats({ sinceMs: Date.now() - hours * HOUR_MS, limit: STATS_MAX }),
        STATS_FRESH_MS,
      ),
    inbox: () => once('inbox', () => holdfast.inbox({ limit: INBOX_MAX })),
  };
}

function periodOf({ hours, fromMs, untilMs }: ListQuery): Pick<ListOptions, 'sinceMs' | 'untilMs'> {
  const sinceMs = hours === null ? fromMs : Date.now() - hours * HOUR_MS;
  return { ...(sinceMs !== null && { sinceMs }), ...(untilMs !== null && { untilMs }) };
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
