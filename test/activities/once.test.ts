// An effect in PostgreSQL happens once for each key, however often and concurrently it is called.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type pg from 'pg';
import { once, ToolError } from '../../activities/index.ts';
import { noPostgres, startPool } from '../support/postgres.ts';

describe('once', { skip: noPostgres }, () => {
  let pool: pg.Pool;
  let stop: () => Promise<void>;
  before(async () => {
    ({ pool, stop } = await startPool());
    await pool.query('create table transfers (cents int)');
  });
  after(() => stop());

  const transferred = async () => {
    const { rows } = await pool.query('select count(*)::int as count from transfers');
    return rows[0].count as number;
  };
  const context = () => ({ idempotencyKey: randomUUID(), signal: new AbortController().signal });
  const transfer = (cents: number) => async (tx: { query(text: string, values?: unknown[]): Promise<unknown> }) => {
    await tx.query('insert into transfers values ($1)', [cents]);
    return { cents, at: [1, null, 'ä"\u2028'] };
  };

  test('runs one effect for twenty concurrent calls, even without a table', async () => {
    const before = await transferred();
    const ctx = context();
    const results = await Promise.all(Array.from({ length: 20 }, () => once(pool, ctx, transfer(5))));
    assert.equal(await transferred(), before + 1);
    for (const result of results) assert.deepEqual(result, { cents: 5, at: [1, null, 'ä"\u2028'] });
  });

  test('runs another effect for another key', async () => {
    const before = await transferred();
    await Promise.all(Array.from({ length: 5 }, () => once(pool, context(), transfer(1))));
    assert.equal(await transferred(), before + 5);
  });

  test('leaves no record of an effect that throws', async () => {
    const before = await transferred();
    const ctx = context();
    const failing = once(pool, ctx, async (tx) => {
      await tx.query('insert into transfers values (7)');
      throw new Error('the bank is closed');
    });
    await assert.rejects(failing, /the bank is closed/);
    assert.equal(await transferred(), before);
    await once(pool, ctx, transfer(7));
    assert.equal(await transferred(), before + 1);
  });

  test('leaves nothing of a call that is aborted before the commit', async () => {
    const before = await transferred();
    const stop = new AbortController();
    const ctx = { idempotencyKey: randomUUID(), signal: stop.signal };
    const given = once(pool, ctx, async (tx) => {
      await tx.query('insert into transfers values (8)');
      stop.abort(new Error('given up'));
    });
    await assert.rejects(given, /given up/);
    assert.equal(await transferred(), before);
  });

  test('retries an effect whose connection was lost before the commit', async () => {
    const before = await transferred();
    const ctx = context();
    const lost = once(pool, ctx, async (tx) => {
      await tx.query('insert into transfers values (9)');
      const pid = (await tx.query('select pg_backend_pid() as pid')).rows[0]?.['pid'];
      await pool.query('select pg_terminate_backend($1)', [pid]);
      await tx.query('select 1');
    });
    await assert.rejects(lost);
    assert.equal(await transferred(), before);
    await once(pool, ctx, transfer(9));
    assert.equal(await transferred(), before + 1);
  });

  test('gives the key to another attempt if one is frozen in its transaction', { timeout: 60_000 }, async () => {
    const before = await transferred();
    const ctx = { ...context(), timeoutMs: 200 };
    const reached = Promise.withResolvers<void>();
    const woken = Promise.withResolvers<void>();
    const frozen = once(pool, ctx, async (tx) => {
      await transfer(21)(tx);
      reached.resolve();
      await woken.promise;
    });
    await reached.promise;
    assert.deepEqual((await once(pool, ctx, transfer(22))).cents, 22);
    woken.resolve();
    await assert.rejects(frozen);
    assert.equal(await transferred(), before + 1);
    assert.equal((await once(pool, ctx, transfer(23))).cents, 22);
  });

  test('returns the recorded result after a crash between commit and answer', async () => {
    const before = await transferred();
    const ctx = context();
    // The process that committed never reported it: the next attempt has the same key.
    await once(pool, ctx, transfer(11));
    assert.deepEqual(await once(pool, ctx, transfer(12)), { cents: 11, at: [1, null, 'ä"\u2028'] });
    assert.equal(await transferred(), before + 1);
  });

  test('keeps an own key across calls, and rejects another input for it', async () => {
    const before = await transferred();
    const key = `refund/${randomUUID()}`;
    await once(pool, context(), transfer(100), { key, input: { order: 'A', cents: 100 } });
    await once(pool, context(), transfer(100), { key, input: { order: 'A', cents: 100 } });
    const other = once(pool, context(), transfer(200), { key, input: { order: 'A', cents: 200 } });
    await assert.rejects(other, (error) => error instanceof ToolError && /with another input/.test(error.message));
    assert.equal(await transferred(), before + 1);
  });

  test('returns the first result exactly, as JSON preserves it', async () => {
    const ctx = context();
    const result = { z: 1, a: 'a\u0000b \ud800', at: new Date(0), nothing: undefined, n: 1e21 };
    const texts = [];
    for (let i = 0; i < 2; i++) texts.push(JSON.stringify(await once(pool, ctx, async () => result)));
    assert.equal(texts[0], JSON.stringify(result));
    assert.equal(texts[1], texts[0]);
  });

  test('compares the input of an own key regardless of field order', async () => {
    const key = `refund/${randomUUID()}`;
    const before = await transferred();
    // A program in JavaScript may leave it out.
    const unsaid = once(pool, context(), transfer(3), { key, input: undefined });
    await assert.rejects(unsaid, /The key refund\/.* needs an input\. Pass "input"/);
    await once(pool, context(), transfer(3), { key, input: { order: 'A', cents: 3 } });
    await once(pool, context(), transfer(3), { key, input: { cents: 3, order: 'A' } });
    assert.equal(await transferred(), before + 1);
  });

  test('runs an effect without a result once, and creates a table of any name', async () => {
    await pool.query('create schema desk');
    const ctx = context();
    let runs = 0;
    const count = async () => {
      runs += 1;
    };
    for (let i = 0; i < 2; i++) await once(pool, ctx, count, { table: 'desk.done' });
    assert.equal(runs, 1);
    await assert.rejects(
      once(pool, ctx, async () => 1, { table: 'x; drop table transfers' }),
      TypeError,
    );
  });
});
