// The folder of the embedded database: one process at a time, data that survives a kill, and locks of dead processes.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { clinic } from '../../agents/clinic/agent.ts';
import { QUERY_TIMEOUT_MS } from '../../agents/database/database.ts';
import { lockFolder, unlockFolder } from '../../agents/database/lockFolder.ts';
import { desk } from '../../agents/desk/agent.ts';
import { refundOrder, refunds } from '../../agents/refunds/agent.ts';
import { openRefunds } from '../../agents/refunds/database/index.ts';

let home: string;
before(async () => {
  home = await mkdtemp(join(tmpdir(), 'holdfast-folder-'));
});
after(() => rm(home, { recursive: true }));

const module = (path: string) => new URL(`../../agents/${path}`, import.meta.url).href;

/** A process that runs `code`; resolves with its first line. */
async function inProcess(code: string): Promise<{ child: ChildProcess; line: Promise<string> }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  after(() => child.kill('SIGKILL'));
  const line = once(createInterface(child.stdout!), 'line').then(([text]) => String(text));
  return { child, line };
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

const STAY = 'setInterval(() => {}, 1000);';
const holder = (folder: string) =>
  inProcess(
    `import { lockFolder } from '${module('database/lockFolder.ts')}';
     import { writeFileSync } from 'node:fs';
     await lockFolder(${JSON.stringify(folder)});
     try { writeFileSync(${JSON.stringify(`${folder}.mark`)}, '', { flag: 'wx' }); console.log(process.pid); }
     catch { console.log('somebody else has it, too'); }
     ${STAY}`,
  );
const pay = (key: string, order: string) =>
  `INSERT INTO refunds (idempotency_key, order_id, cents, run) VALUES ('${key}', '${order}', 1, 'test')`;

test('keeps what was written before SIGKILL for the next process', async () => {
  const folder = join(home, 'killed');
  const { child, line } = await inProcess(
    `import { openRefunds } from '${module('refunds/database/index.ts')}';
     const db = openRefunds({ folder: ${JSON.stringify(folder)} });
     await db.write("${pay('k', 'O-1001')}"); console.log('written'); ${STAY}`,
  );
  assert.equal(await line, 'written');
  await kill(child);
  assert.ok(existsSync(`${folder}.lock`), 'it had no time to let go');
  const db = openRefunds({ folder });
  assert.deepEqual(await db.query('SELECT order_id, cents FROM refunds'), [{ order_id: 'O-1001', cents: 1 }]);
  await assert.rejects(db.write(pay('other', 'O-1001')), { code: '23505' });
  await db.close();
  assert.deepEqual(await readdir(dirname(folder)), ['killed'], 'nothing of the lock is left');
});

test('names the process that uses the folder, and takes it over when it ends', async () => {
  const folder = join(home, 'held');
  const first = await holder(folder);
  const pid = await first.line;
  await assert.rejects(lockFolder(folder, 0), (error: Error) => error.message.includes(`in use by process ${pid}`));
  const waiting = lockFolder(folder);
  await kill(first.child);
  await waiting;
  // Asked again by the same process, as after a thread of it was ended.
  await lockFolder(folder, 0);
  await unlockFolder(folder);
});

test('gives the folder of a dead process to one of many', async () => {
  const folder = join(home, 'raced');
  const { child, line } = await holder(folder);
  await line;
  await rm(`${folder}.mark`);
  await kill(child);
  const racers = await Promise.all(Array.from({ length: 6 }, () => holder(folder)));
  for (let left = racers.length; left > 0; left--) {
    const pid = await Promise.race(racers.map((racer) => racer.line));
    const won = racers.findIndex((racer) => String(racer.child.pid) === pid);
    assert.notEqual(won, -1, pid);
    const [winner] = racers.splice(won, 1);
    await assert.rejects(lockFolder(folder, 0), (error: Error) => error.message.includes(`process ${pid}`));
    await rm(`${folder}.mark`);
    await kill(winner!.child);
  }
  await lockFolder(folder);
  await unlockFolder(folder);
});

test('takes over an unreadable lock', async () => {
  const folder = join(home, 'odd');
  await writeFile(`${folder}.lock`, '');
  await lockFolder(folder, 0);
  await unlockFolder(folder);
  assert.ok(!existsSync(`${folder}.lock`));
});

test('gives every database tool the time that the database may take to open', () => {
  // What a worker's first call needs for it: the folder, the start, and its own two statements.
  const neededMs = 30_000 + 120_000 + 2 * QUERY_TIMEOUT_MS;
  const tools = [refunds, refundOrder, clinic, desk].flatMap((agent) => [...agent.tools.values()]);
  const others = ['refund_order', 'fetch_weather', 'search_web'];
  const asking = tools.filter(({ name }) => !others.includes(name));
  assert.equal(asking.length, 13);
  for (const { name, policy } of asking) {
    assert.ok(policy.timeoutMs >= neededMs, `${name}: ${policy.timeoutMs} ms`);
    assert.ok(policy.heartbeatMs <= 10_000, `${name}: a worker that dies is noticed sooner`);
  }
});
