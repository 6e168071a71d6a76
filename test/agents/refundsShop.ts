// The shop of the refunds for tests: a new one in an embedded database, or in PostgreSQL with the clerk's login.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { closeDatabase, query, warmUp } from '../../agents/refunds/database/index.ts';
import { setUpRefunds } from '../../agents/refunds/database/setUp.ts';
import { noPostgres, type Postgres, startPostgres } from '../support/postgres.ts';

export interface Shop {
  readonly isEmbedded: boolean;
  /** The environment of a worker that serves this shop. */
  env(): NodeJS.ProcessEnv;
}

/** Declares the tests of `define` once for each database. `warm`: whether this process has it open at first. */
export function onBothDatabases(define: (shop: Shop) => void, { warm = true } = {}): void {
  let folder: string;
  describe('with the embedded database', () => {
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'holdfast-refunds-'));
      process.env['REFUNDS_FOLDER'] = join(folder, 'database');
      delete process.env['DATABASE_URL'];
      delete process.env['REFUNDS_DATABASE_URL'];
      if (warm) await warmUp();
    });
    after(async () => {
      await closeDatabase();
      await rm(folder, { recursive: true });
    });
    define({ isEmbedded: true, env: () => ({ ...process.env }) });
  });

  let postgres: Postgres;
  describe('with PostgreSQL, as the clerk', { skip: noPostgres }, () => {
    before(async () => {
      postgres = await startPostgres();
      const login = { user: 'refunds_clerk', password: "it's a secret" };
      await setUpRefunds(postgres.url, login.password);
      process.env['REFUNDS_DATABASE_URL'] = postgres.urlOf({ login });
      if (warm) await warmUp();
    });
    after(async () => {
      await closeDatabase();
      delete process.env['REFUNDS_DATABASE_URL'];
      await postgres.stop();
    });
    define({ isEmbedded: false, env: () => ({ ...process.env }) });
  });
}

export interface Entry {
  readonly order_id: string;
  readonly cents: number;
  readonly approved_by: string | null;
  readonly idempotency_key: string;
  readonly run: string;
}

export function ledger(): Promise<Entry[]> {
  return query<Entry>(
    'SELECT order_id, cents, approved_by, idempotency_key, run FROM refunds ORDER BY order_id, paid_at',
    [],
  );
}

/** `['O-1001 2490']`, one for each payment. */
export async function payments(): Promise<string[]> {
  return (await ledger()).map(({ order_id, cents }) => `${order_id} ${cents}`);
}

export async function rejections(): Promise<string[]> {
  const found = await query<{ order_id: string }>('SELECT order_id FROM rejections ORDER BY order_id', []);
  return found.map(({ order_id }) => order_id);
}
