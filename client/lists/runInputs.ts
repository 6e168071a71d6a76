// The inputs of runs in a list. An input is in the first event of a history, and nowhere else: search attributes and memos have no
// text of a run, since Temporal keeps attributes as they are, and lists every memo whole.
import type { Client } from '@temporalio/client';
import { LRUCache } from 'lru-cache';
import { type HistoryEvent, jsonAt } from '../../core/read/history.ts';
import { oneLine } from '../../core/text.ts';
import { InvalidList } from '../errors/errors.ts';
import { grpcCode } from '../errors/grpc.ts';
import { lenientClient } from '../payloads/lenient.ts';
import { checkLimit } from './cursor.ts';

/** How far a search of inputs is. */
export interface SearchProgress<Run = Listed> {
  /** Number of runs whose inputs were read. */
  readonly searched: number;
  readonly found: readonly Run[];
  /** Whether `searchLimit` ended the search before the end of the list. */
  readonly isCut: boolean;
}

/** The options of a list that are about inputs. */
export interface InputFilter<Run = Listed> {
  /**
   * Only runs whose input has this text, in capitals or not. Inputs are read from the histories, those of the latest runs first: see
   * `searchLimit`.
   */
  readonly input?: string;
  /**
   * With `input`: maximum number of runs whose inputs are read.
   * @default 1,000
   */
  readonly searchLimit?: number;
  /** With `input`: called as inputs are read. */
  readonly onSearch?: (progress: SearchProgress<Run>) => void;
  /**
   * Gives each run its `input`, for which its history is asked; so does `input`.
   * @default false
   */
  readonly withInput?: boolean;
}

/** What is needed of a run of a list. */
interface Listed {
  readonly workflowId: string;
  readonly runId: string;
  readonly input?: string | null;
}

const SEARCH_LIMIT = 1_000;
const READ_AT_ONCE = 16;
/** What a list shows of an input. */
const SHOWN_CHARS = 200;
/** Of all inputs that are kept in memory. They never change, and a list is asked for every few seconds. */
const CACHED_CHARS_MAX = 16 * 1024 * 1024;

export interface InputOptions<Run = Listed> extends InputFilter<Run> {
  readonly limit: number;
  /** A search ends where it is wanted no more. */
  readonly isWanted?: () => boolean;
}

/** Adds inputs to runs, and keeps those whose input has a text. Yields them in their order. */
export async function* withInputs<Run extends Listed>(
  client: Client,
  listed: AsyncIterable<Run> | Iterable<Run>,
  { input, searchLimit = SEARCH_LIMIT, onSearch, withInput = false, limit, isWanted = () => true }: InputOptions<Run>,
): AsyncGenerator<Run> {
  checkSearch(input, searchLimit);
  if (input === undefined && !withInput) {
    yield* listed;
    return;
  }
  const runs = Symbol.asyncIterator in listed ? listed[Symbol.asyncIterator]() : listed[Symbol.iterator]();
  const inputs = inputsOf(client);
  const text = input?.toLowerCase();
  const found: Run[] = [];
  for (let searched = 0; ; ) {
    const wanted = text === undefined ? limit - searched : searchLimit - searched;
    const batch = await take(runs, Math.min(READ_AT_ONCE, wanted));
    const read = await Promise.all(
      batch.map(async (run) => ({ run, input: (await inputs.fetch(run.runId, { context: run.workflowId }))!.text })),
    );
    searched += batch.length;
    const fitting = read
      .filter((one) => text === undefined || one.input?.toLowerCase().includes(text))
      .map((one) => ({ ...one.run, input: one.input === null ? null : oneLine(one.input, SHOWN_CHARS) }));
    found.push(...fitting);
    const isEnd = batch.length < Math.min(READ_AT_ONCE, wanted);
    const isCut = !isEnd && batch.length === wanted;
    if (text !== undefined) onSearch?.({ searched, found: found.slice(0, limit), isCut });
    yield* fitting;
    if (isEnd || isCut || found.length >= limit || !isWanted()) return;
  }
}

function checkSearch(input: string | undefined, searchLimit: number): void {
  checkLimit(searchLimit, 'searchLimit');
  if (input !== undefined && input.trim() === '')
    throw new InvalidList('list_invalid', { problem: 'input is empty. Give a part of the input, or leave it out.' });
}

async function take<Run>(runs: AsyncIterator<Run> | Iterator<Run>, count: number): Promise<Run[]> {
  const taken: Run[] = [];
  while (taken.length < count) {
    const { done, value } = await runs.next();
    if (done) break;
    taken.push(value);
  }
  return taken;
}

/** `text` is null where this process cannot read it, or if the history is gone. */
interface Input {
  readonly text: string | null;
}
type Inputs = LRUCache<string, Input, string>;

const caches = new WeakMap<Client, Inputs>();

/** By the run id of the execution: one that continued as new has the input again. */
function inputsOf(client: Client): Inputs {
  const known = caches.get(client);
  if (known) return known;
  const { workflowService } = lenientClient(client);
  const inputs: Inputs = new LRUCache({
    maxSize: CACHED_CHARS_MAX,
    sizeCalculation: ({ text }) => 100 + (text?.length ?? 0),
    // One that is larger than all others, or that others push out while it is read, is still given.
    ignoreFetchAbort: true,
    // Two searches at a time read an input once.
    fetchMethod: async (runId, _, { context: workflowId }) => {
      try {
        const { history } = await workflowService.getWorkflowExecutionHistory({
          namespace: client.options.namespace,
          execution: { workflowId, runId },
          maximumPageSize: 1,
        });
        return { text: inputIn(history?.events?.[0]) };
      } catch (error) {
        // Retention has taken it meanwhile.
        if (grpcCode(error) === 'notFound') return { text: null };
        throw error;
      }
    },
  });
  caches.set(client, inputs);
  return inputs;
}

function inputIn(event: HistoryEvent | undefined): string | null {
  const given = jsonAt(event?.workflowExecutionStartedEventAttributes?.input, 0);
  const text = (given as { input?: unknown } | null | undefined)?.input;
  return typeof text === 'string' ? text : null;
}
