// Any PostgreSQL (14 or later), through a bounded pool. What reads can only read; what writes says so.
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { type Database, QUERY_TIMEOUT_MS, untilAborted } from './database.ts';
import { PARSERS } from './values.ts';

// A worker's tools in flight share these; a server's default is 100 connections for everybody.
const CONNECTIONS_MAX = 10;
const CONNECT_TIMEOUT_MS = 5_000;
// The server keeps the limit. This is for the case that the network has swallowed its answer.
const NETWORK_MARGIN_MS = 2_000;
const CANCEL_AGAIN_MS = 100;

export function postgresDatabase(
  url: string,
  schema: string,
  { timeoutMs = QUERY_TIMEOUT_MS }: { readonly timeoutMs?: number | undefined } = {},
): Database {
  const configFor = (isReadOnly: boolean): pg.ClientConfig => ({
    connectionString: withSessionSettings(url, {
      default_transaction_read_only: isReadOnly ? 'on' : 'off',
      statement_timeout: String(timeoutMs),
      search_path: schema,
      TimeZone: 'UTC',
      // Or a backslash would end a string elsewhere than the desk's check of SQL believes.
      standard_conforming_strings: 'on',
    }),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: timeoutMs + NETWORK_MARGIN_MS,
    application_name: `holdfast ${schema}`,
    types: { getTypeParser: (oid, format) => PARSERS[oid] ?? pg.types.getTypeParser(oid, format) },
  });
  const config = configFor(true);
  const pool = openPool(config);
  let writers: pg.Pool | undefined;

  async function run(writes: boolean, sql: string, params: readonly unknown[], signal: AbortSignal | undefined) {
    const client = await pool.connect();
    let over = false;
    const stop = () => cancelQuery(config, client, () => over);
    try {
      signal?.throwIfAborted();
      signal?.addEventListener('abort', stop, { once: true });
      // What reads is read-only and rolled back, so that it cannot leave anything behind, not even a setting. `extended`
      // (unknown to pg's types) takes exactly one statement, also when there are no parameters.
      const statement = { text: sql, values: [...params], queryMode: 'extended' };
      await client.query(writes ? 'BEGIN READ WRITE' : 'BEGIN READ ONLY');
      const { rows } = await client.query<Record<string, unknown>>(statement);
      await client.query(writes ? 'COMMIT' : 'ROLLBACK');
      // A cancellation may be under way, and must not meet the connection's next query.
      client.release(signal?.aborted);
      return rows;
    } catch (error) {
      client.release(true);
      throw error;
    } finally {
      over = true;
      signal?.removeEventListener('abort', stop);
    }
  }

  return {
    query: (sql, params = [], signal) => untilAborted(run(false, sql, params, signal), signal),
    write: (sql, params = [], signal) => untilAborted(run(true, sql, params, signal), signal),
    pool: {
      connect() {
        writers ??= openPool(configFor(false));
        return writers.connect();
      },
    },
    async close() {
      await Promise.all([pool.end(), writers?.end()]);
    },
  };
}

function openPool(config: pg.ClientConfig): pg.Pool {
  const pool = new pg.Pool({ ...config, max: CONNECTIONS_MAX, allowExitOnIdle: true });
  // A connection that breaks fails its query and is replaced by the next; without listeners it would end the process.
  return pool.on('error', () => undefined).on('connect', (client) => client.on('error', () => undefined));
}

/** Ends what the connection is doing, over another one. If that fails, the statement timeout will do. */
async function cancelQuery(config: pg.ClientConfig, client: pg.PoolClient, isOver: () => boolean): Promise<void> {
  // pg keeps the id of the server's process on every connected client; its types do not say so.
  const { processID } = client as unknown as { processID: number };
  const other = new pg.Client(config);
  other.on('error', () => undefined);
  try {
    await other.connect();
    // The server drops a cancellation that comes between two messages of a query, so it is asked until it is over.
    while (!isOver()) {
      await other.query('SELECT pg_cancel_backend($1)', [processID]);
      await sleep(CANCEL_AGAIN_MS);
    }
  } catch {
    // See above.
  } finally {
    await other.end().catch(() => undefined);
  }
}

/** Settings travel in the URL's own `options`, after those that are there: the later one wins. */
function withSessionSettings(url: string, settings: Record<string, string>): string {
  const parsed = new URL(url);
  const options = Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`);
  parsed.searchParams.set('options', [parsed.searchParams.get('options') ?? '', ...options].join(' ').trim());
  return parsed.href;
}
