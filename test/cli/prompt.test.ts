// `holdfast run` asks questions on a terminal. Only input after a question decides about it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { columnsOf } from '../../cli/terminal/columns.ts';
import { connect, type Holdfast } from '../../client/index.ts';
import { type Call, toolCalls } from '../../core/read/run.ts';
import { type DevServer, startDevServer } from '../../worker/dev/devServer.ts';
import { asked } from '../support/people.ts';
import { type Started, start, stop, WARD } from './command.ts';
import { CTRL_C, onTerminal, type Terminal } from './terminal.ts';

let server: DevServer;
let worker: Started;
let client: Holdfast;
const at = () => ['--address', server.address];
const run = (agent: string, id: string, { columns = 80, more = [] as string[] } = {}): Terminal =>
  onTerminal(['run', agent, 'Pay.', '--id', id, ...more, ...at()], { columns });
const decisions = async (id: string) =>
  toolCalls(await client.get(id).read()).map(({ decision }: Call) => decision && [decision.verdict, decision.why]);
/** The line to type in, when there is one to type in: what is typed before counts for nothing. */
const ASKS = /re\[s\]pond {2}\[l\]ater > ▏/;
const CTRL_U = '\x15';
const ESCAPE = '\x1b';

before(async () => {
  server = await startDevServer();
  client = await connect({ address: server.address });
  worker = start(['worker', '--agents', WARD, ...at()]);
  await worker.line(/^Polling after/);
});
after(async () => {
  await client.close();
  await stop(worker);
  await server.kill();
});

test('approves with a reason, then rejects without one', async () => {
  const terminal = run('payers', 'typed');
  await terminal.sees(/1 of 2 questions/);
  await terminal.sees(ASKS);
  terminal.type('x\r');
  await terminal.sees(/"x" is not one of the choices/);
  terminal.type('a\r');
  await terminal.sees(/approve, why .*> ▏/);
  terminal.type('known customer\r');
  await terminal.sees(/! 1\.0 approved by \S+: known customer/);
  await terminal.sees(ASKS);
  terminal.type('R\r');
  await terminal.sees(/reject, why/);
  terminal.type('\r');
  await terminal.sees(/! 1\.1 rejected by/);
  assert.equal((await terminal.ended).code, 0);
  assert.deepEqual(await decisions('typed'), [
    ['approve', 'known customer'],
    ['reject', null],
  ]);
});

test('edits from the old arguments, mends rejected ones, and goes back on Esc', async () => {
  const terminal = run('payer', 'mended', { columns: 40 });
  await terminal.sees(/re\[s\]pond {2}\[l\]ater\n {2}> ▏/);
  terminal.type('s\r');
  await terminal.sees(/what the model reads as the result/);
  terminal.type(ESCAPE);
  await terminal.sees(/\[a\]pprove/);
  terminal.type('e\r');
  await terminal.sees(/> \{"amount":500\}▏/);
  terminal.type(`${CTRL_U}{"amount":"much"}\r`);
  await terminal.sees(/The new arguments are not accepted/);
  await terminal.sees(/> \{"amount":"much"\}▏/);
  terminal.type(`${CTRL_U}{"amount":5}\r`);
  assert.equal((await terminal.ended).code, 0);
  const [, call] = toolCalls(await client.get('mended').read());
  assert.deepEqual(
    { verdict: call?.decision?.verdict, arguments: call?.decision?.arguments },
    { verdict: 'edit', arguments: '{"amount":5}' },
  );
  const [asking = ''] = terminal.text.split('! 1.1 edited');
  for (const line of asking.split('\n')) assert.ok(columnsOf(line) <= 40 || /npm run/.test(line), line);
});

test('removes a question that is decided elsewhere, with what was typed', async () => {
  const terminal = run('payers', 'elsewhere');
  await terminal.sees(ASKS);
  terminal.type('a');
  await terminal.sees(/\[l\]ater > a▏/);
  const handle = client.get('elsewhere');
  await handle.reject('1.0', { by: 'bob' });
  await terminal.sees(/! 1\.0 rejected by bob/);
  // Enter, meant for the question that is gone.
  terminal.type('\r');
  await terminal.sees(/ {2}1\.1 pay[\s\S]*\[l\]ater > ▏/);
  assert.deepEqual(await decisions('elsewhere'), [['reject', null], null]);
  await handle.approve('1.1');
  assert.equal((await terminal.ended).code, 0);
});

test('shows what decides, however long the arguments are', async () => {
  const terminal = run('liar', 'lied-to');
  await terminal.sees(ASKS);
  const frame = terminal.text.slice(terminal.text.lastIndexOf('  1.0 pay')).replaceAll(/\s+/g, '');
  assert.match(frame, /^1\.0pay\{"to":"ann\\u00ad\\u3164[^"]*"⟨2,\d{3}morecharacters⟩,"amount":999999\}Pay999999/);
  assert.match(frame, /Pay999999toann\\u\{ad\}\\u\{3164\}/);
  terminal.type(CTRL_C);
  await terminal.ended;
  await client.get('lied-to').stop();
});

test('has letters that nobody sees edited as escapes, and no field twice', async () => {
  const terminal = run('crook', 'crooked');
  await terminal.sees(ASKS);
  terminal.type('e\r');
  const line = await terminal.sees(/> \{"amount":999,"to":"before [^▏]*"\}▏/);
  assert.ok(line.replaceAll(/\s/g, '').includes('\\b\\u202egnp.exe\\u2066\\u200b\\u0000after"}'), line);
  terminal.type(`${CTRL_U}{"amount":1,"amount":9}\r`);
  await terminal.sees(/the\s+field\s+"amount"\s+is\s+there\s+twice/);
  terminal.type(CTRL_C);
  await terminal.ended;
  await client.get('crooked').stop();
});

test('ignores what was typed before the question', async () => {
  const terminal = run('payer', 'ahead');
  terminal.type('a\r\ra\r\r');
  await terminal.sees(ASKS);
  assert.deepEqual(await decisions('ahead'), [null, null]);
  terminal.type('a\r');
  await terminal.sees(/approve, why/);
  terminal.type('\r');
  assert.equal((await terminal.ended).code, 0);
});

test("asks a sub-agent's question, and prints the command if it is left for later", async () => {
  const terminal = run('chief', 'put-off');
  await terminal.sees(/of put-off\.1\.0/);
  await terminal.sees(ASKS);
  terminal.type('l\r');
  await terminal.sees(/Decide: .* approve put-off\.1\.0 1\.1 --address/);
  const child = client.get('put-off.1.0');
  assert.equal((await asked(child)).length, 1);
  await child.approve();
  assert.equal((await terminal.ended).code, 0);
});

test('raises a budget, then stops the run', async () => {
  const terminal = run('endless', 'raised', { more: ['--budget', 'model-calls=1,ask'] });
  await terminal.sees(/\[r\]aise {2}\[s\]top {2}\[l\]ater > ▏/);
  terminal.type('r\r');
  await terminal.sees(/new limits/);
  terminal.type('model-calls=2\r');
  await terminal.sees(/The budget of 2 model calls is used up/);
  await terminal.sees(/\[r\]aise {2}\[s\]top {2}\[l\]ater > ▏/);
  terminal.type('s\r');
  await terminal.sees(/stop, why/);
  terminal.type('enough\r');
  assert.equal((await terminal.ended).code, 1);
  const { status, reason, turns } = await client.get('raised').read();
  assert.equal(status, 'stopped');
  assert.match(reason ?? '', /enough/);
  assert.equal(turns.length, 2);
});

test('leaves the run waiting on Ctrl-C', async () => {
  const terminal = run('payer', 'left');
  await terminal.sees(ASKS);
  terminal.type(CTRL_C);
  await terminal.sees(/Left left, which continues/);
  assert.equal((await terminal.ended).code, 130);
  const handle = client.get('left');
  assert.equal((await asked(handle)).length, 1);
  await handle.stop();
});
