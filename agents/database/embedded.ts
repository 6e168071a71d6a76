// PostgreSQL in this process (PGlite), in a thread of its own: a query would block the event loop, and PostgreSQL's timeouts
// do not work there. The time limit is enforced by terminating the thread; the next query starts another.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { PgClient } from '../../activities/index.ts';
import { type Database, QUERY_CANCELED, QUERY_TIMEOUT_MS, untilAborted } from './database.ts';
import { LOCK_WAIT_MS, lockFolder, unlockFolder } from './lockFolder.ts';

export interface Statement {
  readonly sql: string;
  readonly params: readonly unknown[];
  /** `alone`: run unchanged, within the transaction that its sender has begun. */
  readonly how: 'reads' | 'writes' | 'alone';
}
export type Reply = { readonly rows: Record<string, unknown>[] } | { readonly error: string; readonly code?: string };

export interface EmbeddedSetUp {
  /** URL of a module whose `setUpEmbedded(execute)` creates schema, data and roles. Runs each time the database is opened. */
  readonly setUp: string;
  readonly schema: string;
  readonly readAs: string;
  /** The role that writes, if there is one. */
  readonly writeAs?: string;
  /** Folder of the database, for one process at a time. @default in memory */
  readonly folder?: string;
}

/** Starting takes about 3 s on an idle machine, and has taken a minute on one with ten times more work than it can do. */
const START_TIMEOUT_MS = 120_000;

/**
 * Timeout of tools that use a database: the first call of a worker also opens and fills the embedded one, perhaps after
 * waiting for the folder. Queries have a shorter limit of their own.
 */
export const TOOL_TIMEOUT_MS = LOCK_WAIT_MS + START_TIMEOUT_MS + 2 * QUERY_TIMEOUT_MS;

export function embeddedDatabase(
  setUp: EmbeddedSetUp,
  { timeoutMs = QUERY_TIMEOUT_MS }: { readonly timeoutMs?: number | undefined } = {},
): Database {
  const { folder } = setUp;
  let thread: Worker | undefined;
  let last: Promise<unknown> = Promise.resolve();

  async function start(): Promise<Worker> {
    if (folder !== undefined) await lockFolder(folder);
    // execArgv: the process's own flags may be invalid for a thread.
    const started = new Worker(new URL('./embeddedThread.ts', import.meta.url), { execArgv: [], workerData: setUp });
    const forget = () => {
      if (thread === started) thread = undefined;
    };
    // It may also die between two queries, when nothing waits for it.
    started.on('error', forget).on('exit', forget);
    thread = started;
    await answer(started, START_TIMEOUT_MS, 'The embedded database did not start');
    return started;
  }

  async function run(statement: Statement, signal: AbortSignal | undefined) {
    signal?.throwIfAborted();
    const worker = thread ?? (await start());
    worker.postMessage(statement);
    const reply = await answer(worker, timeoutMs, 'The query took too long and was stopped');
    if ('rows' in reply) return reply.rows;
    throw Object.assign(new Error(reply.error), { code: reply.code });
  }

  // One statement at a time, as in PGlite itself: so the limit applies to the statement's own time, and terminating the
  // thread affects no other statement.
  function inTurn(statement: Statement, signal: AbortSignal | undefined) {
    const rows = last.then(() => run(statement, signal));
    last = rows.catch(() => undefined);
    return untilAborted(rows, signal);
  }

  /** A connection with exclusive use of the database until it is released. */
  async function connect(): Promise<PgClient> {
    const released = Promise.withResolvers<void>();
    const before = last;
    last = released.promise;
    await before;
    const alone = (sql: string, params: readonly unknown[] = []) => run({ sql, params, how: 'alone' }, undefined);
    const setRole = (role: string) => alone(`SET ROLE ${role}`);
    const reset = async (destroy: boolean) => {
      // A new thread starts with the role that reads.
      if (destroy) await thread?.terminate();
      else await setRole(setUp.readAs);
    };
    const release = (destroy = false) =>
      void reset(destroy)
        .catch(() => thread?.terminate())
        .finally(() => released.resolve());
    try {
      await setRole(setUp.writeAs ?? setUp.readAs);
    } catch (error) {
      release(true);
      throw error;
    }
    const ignore = () => undefined;
    return { query: async (sql, params) => ({ rows: await alone(sql, params) }), release, on: ignore, off: ignore };
  }

  return {
    query: (sql, params = [], signal) => inTurn({ sql, params, how: 'reads' }, signal),
    write: (sql, params = [], signal) => inTurn({ sql, params, how: 'writes' }, signal),
    pool: { connect },
    async close() {
      await thread?.terminate();
      if (folder !== undefined) await unlockFolder(folder);
    },
  };
}

/** The thread's next message. The thread keeps the process alive only while this waits. */
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
