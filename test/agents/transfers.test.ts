// The ledger of the transfers in both databases: money moves and is never made, and each call books once.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { transfers } from '../../agents/transfers/agent.ts';
import { accounts, bookings, closeDatabase, pool, warmUp } from '../../agents/transfers/database/index.ts';
import { setUpTransfers } from '../../agents/transfers/database/setUp.ts';
import { Report } from '../../agents/transfers/report.ts';
import { noPostgres, type Postgres, startPostgres } from '../support/postgres.ts';
import { ask, callTool, play } from './play.ts';

interface Transfer {
  readonly from: string;
  readonly to: string;
  readonly cents: number;
}

const move = (args: Transfer, idempotencyKey: string = randomUUID(), ctx: Parameters<typeof callTool>[2] = {}) =>
  callTool(transfers.tools.get('transfer'), args, { idempotencyKey, ...ctx });
const inAccount = async (id: string) => (await accounts()).find((account) => account.id === id)?.cents;
const sum = async () => (await accounts()).reduce((total, { cents }) => total + cents, 0);
const told = async (work: Promise<unknown>) => work.then(JSON.stringify, (error: Error) => error.message);

function ledgerTests(): void {
  test('closes the month with the right balances and an unchanged sum', async () => {
    const before = await sum();
    const { turns, output } = await play(transfers, 'Close the month.');
    assert.deepEqual(
      turns.map((calls) => calls.length),
      [1, 5],
    );
    const report = Report.parse(JSON.parse(output));
    assert.deepEqual({ transfers: report.transfers, cents: report.cents }, { transfers: 5, cents: 884_970 });
    for (const { id, cents, target_cents } of await accounts())
      assert.equal(cents, id === 'A-01' ? 315_030 : target_cents, id);
    assert.equal(await sum(), before);
    const again = await play(transfers, 'Close the month.');
    assert.deepEqual(
      { turns: again.turns.length, transfers: Report.parse(JSON.parse(again.output)).transfers },
      { turns: 1, transfers: 0 },
    );
  });

  test('books a repeated call once, with one result, even ten at a time', async () => {
    const before = (await bookings()).length;
    const args = { from: 'A-01', to: 'A-02', cents: 1_000 };
    const key = randomUUID();
    const was = await inAccount('A-02');
    const answers = await Promise.all(Array.from({ length: 10 }, () => told(move(args, key))));
    answers.push(await told(move(args, key)));
    assert.equal(new Set(answers).size, 1, answers.join('\n'));
    assert.equal((await bookings()).length, before + 1);
    assert.equal(await inAccount('A-02'), was! + 1_000);
    await move(args);
    assert.equal((await bookings()).length, before + 2, 'another call is another transfer');
  });

  test('reports an impossible transfer, and leaves neither side nor record', async () => {
    const before = await accounts();
    const booked = (await bookings()).length;
    const key = randomUUID();
    const tooMuch = { from: 'A-03', to: 'A-01', cents: 99_000_000 };
    for (const _ of [1, 2])
      assert.equal(await told(move(tooMuch, key)), 'Not booked: there is less than 990,000.00 in account A-03.');
    assert.equal(await told(move({ from: 'A-01', to: 'A-99', cents: 1 })), 'Not booked: there is no account A-99.');
    assert.equal(await told(move({ from: 'A-99', to: 'A-01', cents: 1 })), 'Not booked: there is no account A-99.');
    for (const wrong of [
      { from: 'A-01', to: 'A-01', cents: 1 },
      { from: 'A-01', to: 'A-02', cents: -5 },
      { from: 'A-01', to: 'A-02', cents: 0.5 },
      { from: "A-01'; DELETE FROM transfers.bookings; --", to: 'A-02', cents: 1 },
    ])
      await assert.rejects(async () => move(wrong), wrong.to);
    const stopped = AbortSignal.abort(new Error('stopped'));
    assert.match(await told(move({ from: 'A-01', to: 'A-02', cents: 7 }, key, { signal: stopped })), /stopped/);
    assert.deepEqual(await accounts(), before);
    assert.equal((await bookings()).length, booked);
    await move({ from: 'A-01', to: 'A-02', cents: 1 }, key);
    assert.equal((await bookings()).length, booked + 1, 'the key is free');
  });

  test('loses no cent in concurrent transfers, in circles and over the limit', async () => {
    const before = await sum();
    const booked = (await bookings()).length;
    const ids = (await accounts()).map(({ id }) => id);
    const work = Array.from({ length: 40 }, (_, i) => ({
      key: randomUUID(),
      args: { from: ids[i % ids.length]!, to: ids[(i * 3 + 1) % ids.length]!, cents: 1 + ((i * 7_919) % 400_000) },
    })).filter(({ args }) => args.from !== args.to);
    const answers = await Promise.all([...work, ...work].map(({ args, key }) => told(move(args, key))));
    const done = answers.slice(0, work.length);
    // One that was over the limit may have been done when it came again, and there was more.
    const keys = new Set(
      work.flatMap(({ key }, i) => (answers.some((text, j) => j % work.length === i && isBooked(text)) ? [key] : [])),
    );
    const mine = (await bookings()).slice(booked);
    assert.deepEqual(new Set(mine.map(({ idempotency_key }) => idempotency_key)), keys);
    assert.equal(mine.length, keys.size, 'each is booked once');
    assert.ok(done.some(isBooked));
    for (const text of answers) assert.ok(isBooked(text) || text.startsWith('Not booked: there is less than'), text);
    assert.equal(await sum(), before);
    for (const { cents } of await accounts()) assert.ok(cents >= 0);
  });

  test('allows the booking login no deletes, no updates and no new tables', async () => {
    const client = await pool.connect();
    try {
      for (const sql of [
        'DELETE FROM transfers.bookings',
        'UPDATE transfers.bookings SET cents = 1',
        'UPDATE transfers.accounts SET target_cents = 0',
        'DELETE FROM transfers.once',
        'CREATE TABLE transfers.mine (id int)',
      ])
        await assert.rejects(client.query(sql), /permission denied/, sql);
    } finally {
      client.release();
    }
    // The connection is given back as it was.
    assert.equal((await accounts()).length, 7);
  });
}

const isBooked = (text: string) => text.startsWith('{"booking":');

describe('the ledger in the embedded database', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdfast-transfers-'));
    process.env['TRANSFERS_FOLDER'] = join(folder, 'database');
    delete process.env['DATABASE_URL'];
    await warmUp();
  });
  after(async () => {
    await closeDatabase();
    await rm(folder, { recursive: true });
  });
  ledgerTests();
});

describe('the ledger in PostgreSQL, as the clerk', { skip: noPostgres }, () => {
  let postgres: Postgres;
  before(async () => {
    postgres = await startPostgres();
    const login = { user: 'transfers_clerk', password: "it's a secret" };
    await setUpTransfers(postgres.url, login.password);
    await setUpTransfers(postgres.url);
    process.env['TRANSFERS_DATABASE_URL'] = postgres.urlOf({ login });
    await warmUp();
  });
  after(async () => {
    await closeDatabase();
    delete process.env['TRANSFERS_DATABASE_URL'];
    await postgres.stop();
  });
  ledgerTests();
});

test('reports from any results, and never more than was booked', () => {
  for (const result of [
    null,
    42,
    'text',
    {},
    { accounts: null },
    { accounts: [null, {}, { id: 'A-02' }] },
    { error: 'x' },
  ]) {
    const { text, calls } = ask(transfers, 'Go.', [{ tool: 'list_accounts', result }]);
    assert.equal(calls, undefined);
    assert.equal(Report.parse(JSON.parse(text ?? '')).transfers, 0);
  }
  const results = [
    { booking: 1, cents: 5 },
    { error: 'Not booked', tool: 'transfer', kind: 'failed' },
    { cents: 7 },
    'text',
  ].map((result) => ({ tool: 'transfer', result }));
  const report = Report.parse(JSON.parse(ask(transfers, 'Go.', results).text ?? ''));
  assert.deepEqual({ transfers: report.transfers, cents: report.cents }, { transfers: 1, cents: 5 });
  assert.match(report.note, /Not booked: 3\..* script, not by a model/);
});
