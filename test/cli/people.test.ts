// The commands for decisions, steering and messages: their output and exit codes.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { exitCodeOf } from '../../cli/exit.ts';
import { CommandRejected, connect, type Holdfast, NoWorker, type RunHandle, RunOver } from '../../client/index.ts';
import { ATTRIBUTE } from '../../core/names.ts';
import { toolCalls } from '../../core/read/run.ts';
import { type DevServer, startDevServer } from '../../worker/dev/devServer.ts';
import { asked } from '../support/people.ts';
import { eventually } from '../support/waits.ts';
import { holdfast, type Started, start, stop, WARD } from './command.ts';

let server: DevServer;
let worker: Started;
let client: Holdfast;
const at = () => ['--address', server.address];
const said = (...args: string[]) => holdfast([...args, ...at()], { env: { USER: 'ann' } });
const answer = async (...args: string[]) => {
  const ended = await said(...args, '--json');
  return { ...ended, json: JSON.parse(ended.stdout) };
};
/** A run of the agent that waits for `n` decisions. */
async function waiting(agent: string, id: string, n = 1): Promise<RunHandle> {
  const handle = await client.start(agent, 'Pay.', { id });
  await asked(handle, n);
  return handle;
}
/** The inbox reads Temporal's list, which comes after the run itself. */
const listed = (...ids: string[]) =>
  eventually(async () => {
    const { waiting } = await client.inbox();
    return ids.every((id) => waiting.some(({ workflowId }) => workflowId === id));
  });

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

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

test('lists what waits over all runs and sub-agents, oldest first', async () => {
  const first = await waiting('payer', 'inbox-1');
  await client.start('chief', 'Pay.', { id: 'inbox-2' });
  const child = client.get('inbox-2.1.0');
  await eventually(() =>
    child.questions().then(
      ({ length }) => length === 1,
      () => false,
    ),
  );
  await waiting('payers', 'inbox-3', 2);
  await listed('inbox-1', 'inbox-2.1.0', 'inbox-3');

  const { code, json, stderr } = await answer('approvals');
  assert.deepEqual({ code, stderr, total: json.total }, { code: 0, stderr: '', total: 3 });
  const seen = json.waiting.map((run: { [key: string]: unknown }) => [run['workflowId'], run['agent'], run['count']]);
  assert.deepEqual(seen, [
    ['inbox-1', 'payer', 1],
    ['inbox-2.1.0', 'payer', 1],
    ['inbox-3', 'payers', 2],
  ]);
  assert.deepEqual(
    { firstWaitingParentId: json.waiting[0].parentId, secondWaitingParentId: json.waiting[1].parentId },
    { firstWaitingParentId: null, secondWaitingParentId: 'inbox-2' },
  );
  const { since, expiresAt, digest, ...question } = json.waiting[0].questions[0];
  assert.match(since, ISO);
  assert.match(expiresAt, ISO);
  assert.deepEqual(question, {
    kind: 'approval',
    call: '1.1',
    tool: 'pay',
    arguments: '{"amount":500}',
    question: 'Pay 500?',
  });

  const [text, cut, ofOne, one, none, above] = await Promise.all([
    said('approvals'),
    said('approvals', '--limit', '1'),
    answer('approvals', '--agent', 'payers'),
    answer('approvals', 'inbox-3'),
    said('approvals', '--agent', 'nobody'),
    said('approve', 'inbox-2'),
  ]);
  assert.match(text.stdout, /^inbox-1 {2}payer, \d+ (s|min)\n {2}1\.1 pay \{"amount":500\}\n {6}Pay 500\?$/m);
  assert.match(text.stdout, /^inbox-2\.1\.0 {2}payer, \d+ (s|min), for inbox-2$/m);
  assert.match(text.stderr, /^Decide: .* approve inbox-1 1\.1 --address .* \(or reject, edit, respond\)$/m);
  assert.match(cut.stderr, /^Showing 1 of 3 waiting runs\. Show more with --limit, or the next with --after \S+$/m);
  const [, cursor = ''] = /--after (\S+)$/m.exec(cut.stderr) ?? [];
  const next = await answer('approvals', '--limit', '1', '--after', cursor);
  assert.deepEqual(
    { total: next.json.total, ids: next.json.waiting.map(({ workflowId }: { workflowId: string }) => workflowId) },
    { total: 3, ids: ['inbox-2.1.0'] },
  );
  assert.equal((await said('approvals', '--after', 'nonsense')).code, 2);
  assert.deepEqual(
    { total: ofOne.json.total, workflowId: ofOne.json.waiting[0].workflowId },
    { total: 1, workflowId: 'inbox-3' },
  );
  const calls = one.json.questions.map(({ call, arguments: args }: { call: string; arguments: string }) => [
    call,
    args,
  ]);
  assert.deepEqual(calls, [
    ['1.0', '{"amount":600}'],
    ['1.1', '{"amount":700}'],
  ]);
  assert.deepEqual({ code: none.code, stdout: none.stdout }, { code: 0, stdout: '' });
  assert.match(none.stderr, /^Nothing waits for a decision at 127/);
  assert.deepEqual({ code: above.code, stdout: above.stdout }, { code: 1, stdout: '' });
  assert.match(above.stderr, /^No call of inbox-2 itself is pending, but calls of its sub-agents are:$/m);
  assert.match(above.stderr, /^Decide: .* approve inbox-2\.1\.0 1\.1 --address/m);

  const runs = (await answer('list')).json as { workflowId: string; status: string; waiting: number }[];
  const listedAs = (id: string) => runs.find(({ workflowId }) => workflowId === id);
  assert.deepEqual(
    { status: listedAs('inbox-1')?.status, waiting: listedAs('inbox-3')?.waiting },
    { status: 'running', waiting: 2 },
  );
  await Promise.all([first.stop(), client.get('inbox-2').stop(), client.get('inbox-3').stop()]);
});

test('exits with 0 for the same decision again, and with 1 for another', async () => {
  const handle = await waiting('payer', 'first');
  const approved = await answer('approve', 'first', '--why', 'known customer');
  assert.equal(approved.code, 0);
  const { at: decidedAt, ...decision } = approved.json;
  assert.match(decidedAt, ISO);
  assert.deepEqual(decision, {
    workflowId: 'first',
    call: '1.1',
    verdict: 'approve',
    by: 'ann',
    why: 'known customer',
    isFirst: true,
  });
  await handle.result();
  const [again, other, unnamed] = await Promise.all([
    said('approve', 'first', '1.1', '--by', 'bob'),
    said('reject', 'first', '1.1'),
    said('approve', 'first'),
  ]);
  assert.equal(again.code, 0);
  assert.match(again.stdout, /^first, already decided \d+ (s|min) ago: 1\.1 approved by ann: known customer$/m);
  assert.deepEqual({ code: other.code, stdout: other.stdout }, { code: 1, stdout: '' });
  assert.match(
    other.stderr,
    /^Not rejected: it was already decided \d+ (s|min) ago, and the first decision counts\. first: 1\.1 approved by ann/,
  );
  assert.deepEqual({ code: unnamed.code, stdout: unnamed.stdout }, { code: 1, stdout: '' });
  assert.match(unnamed.stderr, /The run first is over \(completed\): there is nothing to decide\./);
});

test('asks for a call if several are pending, and checks new arguments', async () => {
  const handle = await waiting('payers', 'several', 2);
  const wrong: [string[], number, RegExp][] = [
    [['approve', 'several'], 2, /2 calls of several are pending: 1\.0 pay, 1\.1 pay\. Name one\./],
    [['approve', 'several', '7.0'], 1, /has no call 7\.0/],
    [['edit', 'several', '1.0', '--arguments', '{"amount":'], 2, /The arguments are not valid JSON/],
    [['edit', 'several', '1.0', '--arguments', '[1]'], 2, /not a JSON object/],
    [['edit', 'several', '1.0', '--arguments', '{"amount":"much"}'], 1, /not accepted: .*amount/],
    [['respond', 'several', '1.0'], 2, /required option '--text.*\nTry: npm run -s holdfast -- respond --help/],
  ];
  const ends = await Promise.all(wrong.map(([args]) => said(...args)));
  for (const [i, { code: ended, stdout, stderr }] of ends.entries()) {
    const [args, code, says] = wrong[i]!;
    assert.deepEqual({ args, code: ended, stdout }, { args, code, stdout: '' });
    assert.match(stderr, says);
  }
  const edited = await holdfast(['edit', 'several', '1.0', '--arguments', '-', ...at()], { input: '{"amount":650}' });
  assert.deepEqual({ code: edited.code, stderr: edited.stderr }, { code: 0, stderr: '' });
  assert.equal((await said('respond', 'several', 'call_1_1', '--text', 'Not today.')).code, 0);
  await handle.result();
  const { json } = await answer('show', 'several');
  assert.match(json.output, /paid 650; Not today\.$/);
  const verdicts = json.toolCalls.map(({ decision }: { decision: { verdict: string } }) => decision.verdict);
  assert.deepEqual(verdicts, ['edit', 'respond']);
  const shown = await said('show', 'several');
  assert.match(shown.stdout, /^ {2}! pay 1\.0 edited with \{"amount":650\}/m);
  assert.match(shown.stdout, /^ {2}! pay 1\.1 answered with Not today\. by ann$/m);
  assert.match(shown.stdout, /^✓ pay +┄+ +/m, 'the second one waited, and never ran');
});

test('prints the command for a question without a terminal, and waits', async () => {
  const plain = start(['run', 'payer', 'x', '--id', 'unseated', ...at()]);
  const json = start(['run', 'chief', 'x', '--id', 'unseated-json', '--json', ...at()]);
  await plain.line(/^ {2}\? 1\.1 pay \{"amount":500\} Pay 500\?$/);
  await plain.line(/^ {2}Decide: .* approve unseated 1\.1 --address/);
  await json.line(/^unseated-json\.1\.0 waits: 1\.1 pay/);
  await json.line(/^Decide: .* approve unseated-json\.1\.0 1\.1 --address/);
  await said('reject', 'unseated', '--why', 'too much');
  await said('approve', 'unseated-json.1.0');
  const ended = await plain.ended;
  assert.equal(ended.code, 0);
  assert.match(ended.stderr, /^ {2}! 1\.1 rejected by ann: too much$/m);
  assert.match(ended.stderr, /^Spent: \d+ tokens, 2 model calls, 1 tool call, [\d.]+ s active$/m);
  const told = JSON.parse((await json.ended).stdout);
  assert.equal(told.toolCalls[0].childId, 'unseated-json.1.0');
  assert.equal(told.spend.toolCalls, 3, 'with those of its sub-agent');
});

test('shows a question inert, and nothing of it hidden', async () => {
  const handle = await waiting('crook', 'crook');
  await listed('crook');
  const watched = start(['watch', 'crook', ...at()]);
  await watched.line(/Decide: /);
  const texts = await Promise.all([said('approvals'), said('approvals', 'crook'), said('show', 'crook')]);
  await handle.stop();
  const all = [...texts, await watched.ended].map(({ stdout, stderr }) => stdout + stderr).join('');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about.
  assert.doesNotMatch(all, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2066\u200b]/);
  assert.ok(texts[1].stdout.replaceAll(/\n */g, '').includes('\\u202egnp.exe\\u2066\\u200b'), texts[1].stdout);
});

test('shows what decides, and letters that nobody sees', async () => {
  const handle = await waiting('liar', 'liar');
  await listed('liar');
  const watched = start(['watch', 'liar', ...at()]);
  await watched.line(/Decide: /);
  const [inbox, full, shown, json] = await Promise.all([
    said('approvals', '--agent', 'liar'),
    said('approvals', 'liar'),
    said('show', 'liar'),
    answer('approvals', '--agent', 'liar'),
  ]);
  await handle.stop();
  const { stderr: seen } = await watched.ended;
  const unseen = '\\u00ad\\u3164\\u115f\\uffa0\\udb40\\udc41\\ufe0f\\u200f';
  const asked = '\\u{ad}\\u{3164}\\u{115f}\\u{ffa0}\\u{e0041}\\u{fe0f}\\u{200f}';
  for (const [name, text] of Object.entries({ inbox: inbox.stdout, full: full.stdout, shown: shown.stdout, seen })) {
    const line = text.replaceAll(/\s+/g, '');
    assert.ok(line.includes(`"to":"ann${unseen}`), `${name}: ${text}`);
    assert.ok(line.includes('"amount":999999}'), `${name}: ${text}`);
    assert.ok(line.includes(`Pay999999toann${asked}`), `${name}: ${text}`);
    assert.doesNotMatch(text, /\p{Default_Ignorable_Code_Point}/u, name);
  }
  assert.match(
    json.json.waiting[0].questions[0].arguments,
    /or so or so[^"]*"⟨[12],\d{3} more characters⟩,"amount":999999\}$/,
  );
});

test('watches questions open and close', async () => {
  const watching = start(['approvals', '--watch', '--json', ...at()]);
  const plain = start(['approvals', '--watch', ...at()]);
  const handle = await waiting('payer', 'news');
  const waits = JSON.parse(await watching.line(/"question_opened".*"news"/));
  assert.deepEqual(
    { type: waits.type, agent: waits.agent, call: waits.question.call },
    { type: 'question_opened', agent: 'payer', call: '1.1' },
  );
  await plain.line(/^news {2}payer/);
  await plain.line(/Decide: .* approve news 1\.1/);
  await handle.approve();
  await watching.line(/"question_closed".*"news"/);
  for (const { child, ended } of [watching, plain]) {
    child.kill('SIGINT');
    assert.equal((await ended).code, 0);
  }
});

test('shows an exhausted budget, raises it and stops the run', async () => {
  const run = start(['run', 'endless', 'x', '--id', 'thrifty', '--budget', 'model-calls=1,ask', ...at()]);
  await run.line(/\? budget: The budget of 1 model call is used up/);
  await run.line(/Raise it: .* raise thrifty --model-calls N --address/);
  await listed('thrifty');
  const { json } = await answer('approvals', '--agent', 'endless');
  assert.equal(json.waiting[0].questions[0].kind, 'budget');
  assert.equal((await said('raise', 'thrifty', '--model-calls', '1')).code, 1, 'a raised limit is above what it was');
  assert.equal((await said('raise', 'thrifty')).code, 2);
  assert.equal((await said('raise', 'thrifty', '--model-calls', '2')).code, 0);
  await run.line(/\? budget: The budget of 2 model calls/);
  const stopped = await answer('stop', 'thrifty', '--why', 'enough');
  assert.equal(stopped.json.state, 'stopping');
  const ended = await run.ended;
  assert.equal(ended.code, 1);
  assert.match(ended.stderr, /! raise to 2 model calls by ann/);
  assert.match(ended.stderr, /^Budget: 2 model calls; asks at the limit$/m);
  assert.match(ended.stderr, /^Reason: .*enough/m);
  const bad = await said('run', 'endless', 'x', '--budget', 'money=3');
  assert.equal(bad.code, 2);
  assert.match(bad.stderr, /"money=3" is not a limit\. Expected any of tokens, cost/);
});

test('steers, pauses, interrupts and stops a run, and cancels a call', async () => {
  const handle = await client.start('sleeper', 'x', { id: 'steered' });
  const running = (turn: number) =>
    eventually(async () =>
      toolCalls(await handle.read()).some((call) => call.turn === turn && call.scheduledAtMs !== null),
    );
  await running(1);
  assert.deepEqual((await answer('pause', 'steered')).json, { workflowId: 'steered', state: 'paused', turn: 1 });
  const [steered, paused] = await Promise.all([
    said('steer', 'steered', 'Be quick.', '--by', 'bob'),
    said('show', 'steered'),
  ]);
  assert.match(steered.stdout, /^steered receives it/);
  assert.match(paused.stdout, /^steered: paused by ann, 1 turn, 1 tool call, /m);
  assert.match(paused.stdout, /^Spent: .* 1 tool call$/m);
  assert.match(paused.stderr, /^Resume it: .* resume steered --address/m);
  assert.deepEqual((await handle.read()).paused, { by: 'ann' });
  const cancelled = await said('cancel-call', 'steered', '1.0', '--why', 'too slow');
  assert.equal(cancelled.stdout, 'Call 1.0 of steered is cancelled.\n');
  assert.equal((await said('resume', 'steered')).stdout, 'steered continues.\n');
  await running(2);
  assert.match((await said('interrupt', 'steered', 'Stop that.')).stdout, /it continues with the message/);
  await running(3);
  assert.equal((await said('stop', 'steered')).code, 0);
  await handle.cancelCall('3.0');
  const watched = await said('watch', 'steered');
  assert.match(watched.stderr, /^ {2}> Be quick\. \(by bob\)$/m);
  assert.match(watched.stderr, /^ {2}! cancel-call 1\.0 by ann: too slow$/m);
  assert.match(watched.stderr, /^ {2}! interrupt by ann$/m);
  const late = await said('steer', 'steered', 'Hello?');
  assert.deepEqual({ code: late.code, stdout: late.stdout }, { code: 1, stdout: '' });
  assert.match(late.stderr, /The run "steered" is over/);
});

test('sends a session messages with and without waiting, and closes it', async () => {
  const handle = await client.start('talker', '', { id: 'talk', session: true });
  const waited = await said('send', 'talk', 'one', '--wait');
  assert.deepEqual(waited, { code: 0, stdout: 'You said: one\n', stderr: '' });
  const { json } = await answer('send', 'talk', 'two', '--id', 'm2');
  assert.deepEqual(json, { workflowId: 'talk', message: 2, reply: null });
  const again = await answer('send', 'talk', 'two', '--id', 'm2', '--wait');
  assert.deepEqual(again.json, {
    workflowId: 'talk',
    message: 2,
    reply: {
      message: 2,
      status: 'completed',
      output: 'You said: two',
      reason: null,
      reasonCode: null,
      reasonParameters: null,
    },
  });
  assert.equal((await said('close', 'talk')).stdout, 'talk ends when its messages are answered.\n');
  assert.equal((await handle.result()).status, 'completed');
  const refused = await waiting('payer', 'no-session');
  const sent = await said('send', 'no-session', 'x');
  assert.equal(sent.code, 1);
  assert.match(sent.stderr, /no-session is not a session/);
  await refused.stop();
});

test('shows the agent that has the conversation after a handoff', async () => {
  await client.start('porter', 'x', { id: 'passed' });
  const watched = await said('watch', 'passed');
  assert.match(watched.stderr, /^The conversation continues with talker\.$/m);
  assert.match(watched.stderr, /^ {2}turn 2, talker +─/m);
});

test('registers the search attributes, or explains how it works without', async () => {
  for (const namespace of ['bare', 'taken'])
    await client.client.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
    });
  const there = (namespace: string) =>
    eventually(() =>
      connect({ address: server.address, namespace }).then(
        (made) => made.close().then(() => true),
        () => false,
      ),
    );
  await Promise.all(['bare', 'taken'].map(there));
  const names = Object.values(ATTRIBUTE).sort();
  const setup = await answer('setup', '--namespace', 'bare');
  assert.deepEqual([...setup.json.registered].sort(), names);
  const again = await eventually(async () => {
    const ended = await said('setup', '--namespace', 'bare');
    return /already has the search attributes/.test(ended.stdout) && ended;
  });
  assert.equal(again.code, 0);
  // A keyword where a number is.
  const { operatorService } = client.client.connection as unknown as {
    operatorService: { addSearchAttributes(request: object): Promise<unknown> };
  };
  await operatorService.addSearchAttributes({ namespace: 'taken', searchAttributes: { [ATTRIBUTE.agent]: 3 } });
  const taken = await eventually(async () => {
    const ended = await said('setup', '--namespace', 'taken');
    return ended.code === 1 && ended;
  });
  assert.equal(taken.stdout, '');
  assert.match(taken.stderr, /cannot be registered in the namespace taken: .*another type/);
  assert.match(taken.stderr, /The inbox works without them/);
});

test('has an exit code for each refusal', () => {
  assert.deepEqual(
    [
      new CommandRejected('no_call_waits', { workflowId: 'x' }),
      new RunOver('run_over', { workflowId: 'x' }),
      new NoWorker('not_picked_up', { workflowId: 'x', withinMs: 1 }),
    ].map((error) => exitCodeOf(error)),
    [1, 1, 4],
  );
});
