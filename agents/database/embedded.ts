// PostgreSQL in this process (PGlite), in a thread of its own: a query would hold up the event loop, and no timeout of
// PostgreSQL's works in there. So the limit is kept from outside, by ending the thread; the next query starts another.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { PgClient } from '../../activities/index.ts';
import { type Database, QUERY_CANCELED, QUERY_TIMEOUT_MS, untilAborted } from './database.ts';
import { HOLD_WAIT_MS, holdFolder, leaveFolder } from './holdFolder.ts';

export interface Statement {
  readonly sql: string;
  readonly params: readonly unknown[];
  /** `alone`: as it is, in whatever transaction its sender has begun. */
  readonly how: 'reads' | 'writes' | 'alone';
}
export type Reply = { readonly rows: Record<string, unknown>[] } | { readonly error: string; readonly code?: string };

export interface EmbeddedSetUp {
  /** A module whose `setUpEmbedded(execute)` makes the schema, its data and the roles; run whenever it is opened. */
  readonly setUp: string;
  readonly schema: string;
  readonly readAs: string;
  /** The role that writes, where there is one. */
  readonly writeAs?: string;
  /** Where it is kept, for one process at a time; in memory when not said. */
  readonly folder?: string;
}

/** It takes about 3 s on an idle machine, and has taken a minute on one with ten times the work that it can do. */
const START_TIMEOUT_MS = 120_000;

/**
 * How long a tool that asks a database may take: the first call of a worker also opens and fills the embedded one, perhaps
 * after waiting for the folder. None waits so long for a query: that has a limit of its own.
 */
export const TOOL_TIMEOUT_MS = HOLD_WAIT_MS + START_TIMEOUT_MS + 2 * QUERY_TIMEOUT_MS;

export function embeddedDatabase(
  setUp: EmbeddedSetUp,
  { timeoutMs = QUERY_TIMEOUT_MS }: { readonly timeoutMs?: number | undefined } = {},
): Database {
  const { folder } = setUp;
  let thread: Worker | undefined;
  let last: Promise<unknown> = Promise.resolve();

  async function start(): Promise<Worker> {
    if (folder !== undefined) await holdFolder(folder);
    // The process's own flags may not suit a thread.
    const started = new Worker(new URL('./embeddedThread.ts', import.meta.url), { execArgv: [], workerData: setUp });
    const forget = () => {
      if (thread === started) thread = undefined;
    };
    // Also when it dies between two queries, where nobody waits for it.
    started.on('error', forget).on('exit', forget);
    thread = started;
    await answer(started, START_TIMEOUT_MS, 'The embedded database did not start');
    return started;
  }

  async function run(statement: Statement, signal: AbortSignal | undefined) {
    signal?.throwIfAborted();
    const worker = thread ?? (await start());
    worker.postMessage(statement);
    const reply = await answer(worker, timeoutMs, 'The query was ended: it took too long');
    if ('rows' in reply) return reply.rows;
    throw Object.assign(new Error(reply.error), { code: reply.code });
  }

  // One at a time, as PGlite works anyway: the limit then counts the statement's own time, and ending the thread harms
  // no other.
  function inTurn(statement: Statement, signal: AbortSignal | undefined) {
    const rows = last.then(() => run(statement, signal));
    last = rows.catch(() => undefined);
    return untilAborted(rows, signal);
  }

  /** A connection that has the database to itself until it is released: there is one. */
  async function connect(): Promise<PgClient> {
    const released = Promise.withResolvers<void>();
    const before = last;
    last = released.promise;
    await before;
    const alone = (sql: string, params: readonly unknown[] = []) => run({ sql, params, how: 'alone' }, undefined);
    const roleOf = (role: string) => alone(`SET ROLE ${role}`);
    const leave = async (destroy: boolean) => {
      // A thread that was ended is begun anew, as the one who reads.
      if (destroy) await thread?.terminate();
      else await roleOf(setUp.readAs);
    };
    const release = (destroy = false) =>
      void leave(destroy)
        .catch(() => thread?.terminate())
        .finally(() => released.resolve());
    try {
      await roleOf(setUp.writeAs ?? setUp.readAs);
    } catch (error) {
      release(true);
      throw error;
    }
    const none = () => undefined;
    return { query: async (sql, params) => ({ rows: await alone(sql, params) }), release, on: none, off: none };
  }

  return {
    query: (sql, params = [], signal) => inTurn({ sql, params, how: 'reads' }, signal),
    write: (sql, params = [], signal) => inTurn({ sql, params, how: 'writes' }, signal),
    pool: { connect },
    async close() {
      await thread?.terminate();
      if (folder !== undefined) await leaveFolder(folder);
    },
  };
}

/** The thread's next message. It keeps the process alive only while somebody waits for it. */
async function answer(worker: Worker, limitMs: number, tooLate: string): Promise<Reply> {
  const gone = new AbortController();
  const exit = () => gone.abort(new Error('The thread of the embedded database ended.'));
  worker.ref();
  worker.once('exit', exit);
  const limit = AbortSignal.timeout(limitMs);
  try {
    const [reply] = await once(worker, 'message', { signal: AbortSignal.any([limit, gone.signal]) });
    return reply;
  } catch (error) {
    const late = Object.assign(new Error(`${tooLate} (${limitMs / 1000} s).`), { code: QUERY_CANCELED });
    const failure = limit.aborted ? late : gone.signal.aborted ? gone.signal.reason : error;
    await worker.terminate();
    throw failure;
  } finally {
    worker.off('exit', exit);
    worker.unref();
  }
}
