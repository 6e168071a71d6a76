// Any PostgreSQL (14 or later), through a bounded pool. Transactions are read-only unless a statement is run with write().
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { type Database, QUERY_TIMEOUT_MS, untilAborted } from './database.ts';
import { PARSERS } from './values.ts';

// Shared by all tool calls of a worker; a server's default is 100 connections in all.
const CONNECTIONS_MAX = 10;
const CONNECT_TIMEOUT_MS = 5_000;
// The server enforces the time limit. The margin is for responses that the network has lost.
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
      // Otherwise a backslash could end a string elsewhere than the desk's check of SQL assumes.
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
    let isOver = false;
    const stop = () => cancelQuery(config, client, () => isOver);
    try {
      signal?.throwIfAborted();
      signal?.addEventListener('abort', stop, { once: true });
      // Reads run in a read-only transaction that is rolled back, so that they leave nothing behind, not even a setting.
      // `extended` (missing in pg's types) accepts exactly one statement, even without parameters.
      const statement = { text: sql, values: [...params], queryMode: 'extended' };
      await client.query(writes ? 'BEGIN READ WRITE' : 'BEGIN READ ONLY');
      const { rows } = await client.query<Record<string, unknown>>(statement);
      await client.query(writes ? 'COMMIT' : 'ROLLBACK');
      // If aborted, drop the connection: a late cancellation must not hit its next query.
      client.release(signal?.aborted);
      return rows;
    } catch (error) {
      client.release(true);
      throw error;
    } finally {
      isOver = true;
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
  // A broken connection fails its query and is replaced; without listeners, the error event would end the process.
  return pool.on('error', () => undefined).on('connect', (client) => client.on('error', () => undefined));
}

/** Cancels the connection's query over another connection. If that fails, the statement timeout still ends it. */
async function cancelQuery(config: pg.ClientConfig, client: pg.PoolClient, isOver: () => boolean): Promise<void> {
  // pg has the id of the server's process on every connected client, but not in its types.
  const { processID } = client as unknown as { processID: number };
  const other = new pg.Client(config);
  other.on('error', () => undefined);
  try {
    await other.connect();
    // The server ignores a cancellation that arrives between two messages of a query, so repeat it until the query is over.
    while (!isOver()) {
      await other.query('SELECT pg_cancel_backend($1)', [processID]);
      await sleep(CANCEL_AGAIN_MS);
    }
  } catch {
    // The statement timeout ends the query.
  } finally {
    await other.end().catch(() => undefined);
  }
}

/** Appends settings to the URL's `options`. Of two values for a setting, the later one counts. */
function withSessionSettings(url: string, settings: Record<string, string>): string {
  const parsed = new URL(url);
  const options = Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`);
  parsed.searchParams.set('options', [parsed.searchParams.get('options') ?? '', ...options].join(' ').trim());
  return parsed.href;
}
