// What `holdfast mcp` refuses, and what it keeps: over HTTP without a client that would hide it, and at the ends of its process.
import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { ToolContext } from '../../activities/define/types.ts';
import { mcp } from '../../activities/index.ts';
import { InputNeeded } from '../../activities/tools/needsInput.ts';
import { TaskRuns, TaskStarted } from '../../activities/tools/task.ts';
import { connect, type Holdfast } from '../../client/index.ts';
import { type DevServer, startDevServer } from '../../worker/dev/devServer.ts';
import { asked } from '../support/people.ts';
import { eventually } from '../support/waits.ts';
import { holdfast, type Started, start, stop } from './command.ts';

const AGENTS = fileURLToPath(new URL('./mcpAgents.ts', import.meta.url));
const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const TOKEN = 'test-token-0123456789';
const FORMS = { elicitation: { form: {} } };
const TASKS = { extensions: { 'io.modelcontextprotocol/tasks': {} } };

let server: DevServer;
let worker: Started;
let temporal: Holdfast;
let folder: string;
/** All that were started: one whose test has failed would keep this process. */
const servers: Started[] = [];
const at = () => ['--agents', AGENTS, '--address', server.address];

interface Serving {
  readonly started: Started;
  readonly port: number;
}

async function serve(...args: string[]): Promise<Serving> {
  const started = start(['mcp', ...at(), '--http', '--port', '0', ...args], { env: { HOLDFAST_MCP_TOKEN: TOKEN } });
  servers.push(started);
  const line = await started.line(/^Serving .* at http/);
  return { started, port: Number(new URL(line.split(' at ')[1]!).port) };
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-mcp-'));
  server = await startDevServer();
  temporal = await connect({ address: server.address });
  worker = start(['worker', '--agents', AGENTS, '--address', server.address]);
  await worker.line(/^Polling after/);
});
after(async () => {
  await temporal.close();
  await Promise.all(servers.map(stop));
  await stop(worker);
  await server.kill();
  await rm(folder, { recursive: true });
});

interface Sent {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** Sends a request as it is, with any Host. */
function send(port: number, body: string, headers: Record<string, string> = {}, path = '/mcp'): Promise<Sent> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { port, host: '127.0.0.1', path, method: 'POST', headers: { ...HEADERS, ...headers } },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part) => {
          text += part;
        });
        response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, text }));
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

const HEADERS = {
  authorization: `Bearer ${TOKEN}`,
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
};

interface Rpc {
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly code: number; readonly message: string };
}

/** A request of the protocol without sessions. */
async function rpc(
  port: number,
  method: string,
  params: Record<string, unknown>,
  capabilities: object = {},
  id = 1,
): Promise<Rpc> {
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1.0.0' },
    'io.modelcontextprotocol/clientCapabilities': capabilities,
  };
  const { _meta = {}, ...rest } = params as { _meta?: object };
  const body = JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...rest, _meta: { ...meta, ..._meta } } });
  const name = params['name'] ?? params['taskId'];
  const { text } = await send(port, body, {
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': method,
    ...(name !== undefined && { 'mcp-name': String(name) }),
  });
  return JSON.parse(text.replace(/^event: message\ndata: /, '')) as Rpc;
}

const call = (port: number, name: string, args: object, more: object = {}, capabilities: object = {}) =>
  rpc(port, 'tools/call', { name, arguments: args, ...more }, capabilities);
const textOf = (answer: Rpc) => (answer.result!['content'] as { text: string }[]).map(({ text }) => text).join('\n');
const runOf = (answer: Rpc) => String((answer.result!['_meta'] as Record<string, unknown>)['holdfast/run']);
const approve = { decision: { action: 'accept', content: { decision: 'approve' } } };

test('refuses whoever has no token, another Host or another Origin', async () => {
  const { started, port } = await serve();
  const body = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}';
  const [none, wrong, basic, host, origin, opaque, path, large] = await Promise.all([
    send(port, body, { authorization: '' }),
    send(port, body, { authorization: 'Bearer test-token-0123456788' }),
    send(port, body, { authorization: `Basic ${TOKEN}` }),
    send(port, body, { host: 'evil.example:80' }),
    send(port, body, { origin: 'https://evil.example' }),
    send(port, body, { origin: 'null' }),
    send(port, body, {}, '/'),
    send(port, `{"jsonrpc":"2.0","id":1,"method":"${'x'.repeat(5_000_000)}"}`),
  ]);
  const statuses = [none, wrong, basic, host, origin, opaque, path, large].map(({ status }) => status);
  assert.deepEqual(statuses, [401, 401, 401, 403, 403, 403, 404, 413]);
  assert.match(String(none.headers['www-authenticate']), /^Bearer/);
  assert.ok(!started.lines.join('\n').includes(TOKEN));
  const unknown = await send(port, body, { 'mcp-session-id': randomUUID() });
  assert.equal(unknown.status, 404);
  assert.equal((await rpc(port, 'tools/list', {})).error, undefined);
  assert.equal((await send(port, 'no JSON')).status, 400);
  assert.equal((await stop(started)).code, 0);
});

test('accepts the host names that it is given, and only those beside its own', async () => {
  const { started, port } = await serve('--allow-host', 'agents.example');
  const list = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}';
  const named = await send(port, list, { host: 'agents.example', origin: 'https://agents.example' });
  const other = await send(port, list, { host: 'evil.example' });
  assert.notEqual(named.status, 403);
  assert.equal(other.status, 403);
  await stop(started);
});

test('makes a token and prints it if none is given', async () => {
  const started = start(['mcp', ...at(), '--http', '--port', '0', 'talker']);
  const token = (await started.line(/^ {2}token/)).trim().split(/\s+/)[1]!;
  const line = await started.line(/^Serving talker at http/);
  const port = Number(new URL(line.split(' at ')[1]!).port);
  const list = '{"jsonrpc":"2.0","id":1,"method":"initialize"}';
  assert.equal((await send(port, list)).status, 401);
  assert.notEqual((await send(port, list, { authorization: `Bearer ${token}` })).status, 401);
  assert.equal(token.length, 32);
  await stop(started);
});

test('refuses a hostile requestState, and takes its own once more after a restart', async () => {
  const first = await serve();
  const waits = await call(first.port, 'payer', { input: 'Pay.' }, {}, FORMS);
  assert.equal(waits.result?.['resultType'], 'input_required');
  const state = String(waits.result?.['requestState']);
  const answer = (port: number, requestState: unknown, name = 'payer') =>
    call(port, name, { input: 'Pay.' }, { requestState, inputResponses: approve }, FORMS);

  const [version, payload, mac] = state.split('.') as [string, string, string];
  const other = { ...JSON.parse(Buffer.from(payload, 'base64url').toString()), p: { reference: 'mcp-payer-1' } };
  const forged = [version, Buffer.from(JSON.stringify(other)).toString('base64url'), mac].join('.');
  for (const hostile of [forged, `${state}x`, '', 'v1..', '{}', 'x'.repeat(100_000), 7]) {
    const refused = await answer(first.port, hostile);
    assert.equal(refused.error?.code, -32_602, JSON.stringify(refused).slice(0, 500));
  }
  const otherRun = await call(first.port, 'payer', { input: 'Pay.' });
  const ofOther = { requestState: state, inputResponses: approve };
  const crossed = await call(first.port, 'holdfast_result', { run: runOf(otherRun) }, ofOther, FORMS);
  assert.equal(crossed.error?.message, 'The requestState belongs to another call.');
  const ofAnother = await answer(first.port, state, 'talker');
  assert.equal(ofAnother.error?.message, 'The requestState belongs to another call.');
  const run = String(JSON.parse(Buffer.from(payload, 'base64url').toString()).p.reference);
  await asked(temporal.get(run));

  first.started.child.kill('SIGKILL');
  await first.started.ended;
  const second = await serve();
  assert.equal(textOf(await answer(second.port, state)), 'paid 500 to ann\u202e');
  // Its question is answered: a repeated answer gets the result.
  assert.equal(textOf(await answer(second.port, state)), 'paid 500 to ann\u202e');
  await stop(second.started);
});

test('keeps the run if it is killed during a call', async () => {
  const file = join(folder, 'killed');
  const first = await serve();
  const cut = call(first.port, 'waiter', { input: file }, { _meta: { 'holdfast/idempotencyKey': 'killed' } });
  cut.catch(() => {});
  const run = await eventually(async () =>
    (await temporal.list({ agent: 'waiter' })).find(({ status }) => status === null),
  );
  first.started.child.kill('SIGKILL');
  await assert.rejects(cut);
  const second = await serve();
  // The same request again finds the run of the first.
  const again = call(second.port, 'waiter', { input: file }, { _meta: { 'holdfast/idempotencyKey': 'killed' } });
  await writeFile(file, '');
  const answered = await again;
  assert.deepEqual([textOf(answered), runOf(answered)], ['It has come.', run.workflowId]);
  const other = await call(second.port, 'waiter', { input: '/' }, { _meta: { 'holdfast/idempotencyKey': 'killed' } });
  assert.notEqual(runOf(other), run.workflowId);
  await stop(second.started);
});

test('answers with the id of a run that takes longer than it waits', async () => {
  const file = join(folder, 'long');
  const { started, port } = await serve('--wait', '1s');
  const running = await call(port, 'waiter', { input: file });
  assert.match(
    textOf(running),
    /^Run mcp-waiter-\w+ is still running\. It is in turn 1\.\nIt continues by itself: call holdfast_result/,
  );
  await writeFile(file, '');
  const done = () => call(port, 'holdfast_result', { run: runOf(running) });
  assert.equal(await eventually(async () => textOf(await done()).includes('It has come.')), true);
  await stop(started);
});

test('gives every run the context that it is started with, and lets no client choose', async () => {
  const { started, port } = await serve('--context', '{"tenant":"acme"}', 'reporter');
  const list = await rpc(port, 'tools/list', {});
  const [reporter] = list.result!['tools'] as { inputSchema: { properties: object } }[];
  assert.deepEqual(Object.keys(reporter!.inputSchema.properties), ['input', 'session']);
  const chosen = await call(port, 'reporter', { input: 'Oslo', context: { tenant: 'other' } });
  assert.equal(chosen.result?.['isError'], true);
  const reported = await call(port, 'reporter', { input: 'Oslo' });
  const events = (await temporal.get(runOf(reported)).history()).events ?? [];
  const [input] = events[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
  assert.match(Buffer.from(input!.data!).toString(), /"tenant":"acme"/);
  assert.match((await call(port, 'talker', { input: 'Hello.' })).error!.message, /There is no tool "talker"/);
  await stop(started);
});

test('lets no client decide with --no-forms', async () => {
  const asking = await serve();
  const first = await call(asking.port, 'payer', { input: 'Pay.' }, {}, FORMS);
  const { started, port } = await serve('--no-forms');
  const waits = await call(port, 'payer', { input: 'Pay.' }, {}, FORMS);
  assert.match(textOf(waits), /waits for a person/);
  // Not with what another server has asked either.
  const answer = { requestState: first.result!['requestState'], inputResponses: approve };
  assert.match(textOf(await call(port, 'payer', { input: 'Pay.' }, answer, FORMS)), /waits for a person/);
  await Promise.all([stop(asking.started), stop(started)]);
});

test('hides agents that it does not serve, and runs that were started elsewhere', async () => {
  const { started, port } = await serve('reporter');
  await temporal.start('talker', 'Secret.', { id: 'mcp-talker-1' });
  await temporal.start('reporter', 'Oslo', { id: 'order-4711', context: { tenant: 'acme' } });
  await temporal.start('reporter', 'Oslo', { id: 'mcp-reporter-1', context: { tenant: 'acme' } });
  for (const run of ['mcp-talker-1', 'order-4711', 'mcp-reporter-2', '../mcp-reporter-1', 'mcp-reporter-1#0', '']) {
    const answers = await Promise.all(
      ['holdfast_status', 'holdfast_result', 'holdfast_cancel'].map((tool) => call(port, tool, { run })),
    );
    for (const answer of answers) assert.match(textOf(answer), /There is no run /, run);
  }
  assert.equal((await temporal.get('order-4711').result()).status, 'completed');
  assert.match(textOf(await call(port, 'holdfast_result', { run: 'mcp-reporter-1' })), /"city":"Oslo"/);
  await stop(started);
});

test('runs a call as a task, which asks, is answered, and is polled from anywhere', async () => {
  const { started, port } = await serve();
  const both = { ...TASKS, ...FORMS };
  const created = await call(port, 'payer', { input: 'Pay.' }, {}, both);
  const { resultType, status, taskId, ttlMs } = created.result as Record<string, unknown>;
  assert.deepEqual({ resultType, status, ttlMs }, { resultType: 'task', status: 'working', ttlMs: null });
  const get = async (capabilities: object = both) => (await rpc(port, 'tasks/get', { taskId }, capabilities)).result!;
  const waiting = await eventually(async () => {
    const task = await get();
    return task['status'] === 'input_required' && task;
  });
  const [[key, form]] = Object.entries(waiting['inputRequests'] as Record<string, { method: string }>) as [
    [string, { method: string }],
  ];
  assert.equal(form.method, 'elicitation/create');
  const without = await get(TASKS);
  assert.equal(without['status'], 'working');
  assert.match(String(without['statusMessage']), /waits for a person/);

  const update = (inputResponses: object) => rpc(port, 'tasks/update', { taskId, inputResponses }, both);
  assert.match((await update({ [key]: { action: 'accept', content: {} } })).error!.message, /^That was no answer/);
  assert.equal((await update({ unknown: approve.decision, [key]: { action: 'cancel' } })).error, undefined);
  await asked(temporal.get(String(taskId)));
  assert.equal((await update({ [key]: approve.decision })).error, undefined);
  const done = await eventually(async () => {
    const task = await get();
    return task['status'] === 'completed' && task;
  });
  // With a type of its own, without which the official client of tasks refuses it.
  assert.deepEqual(done['result'], {
    resultType: 'complete',
    content: [{ type: 'text', text: 'paid 500 to ann\u202e' }],
    _meta: { 'holdfast/run': taskId },
  });

  const unknown = await rpc(port, 'tasks/get', { taskId: 'mcp-payer-unknown' }, both);
  assert.equal(unknown.error?.code, -32_602);
  const conversation = await call(port, 'talker', { input: 'One.', session: 'new' }, {}, both);
  const of = { taskId: conversation.result!['taskId'] };
  const replied = await eventually(async () => {
    const task = (await rpc(port, 'tasks/get', of, both)).result!;
    return task['status'] === 'completed' && task;
  });
  assert.match(JSON.stringify(replied['result']), /You said: One\./);
  await rpc(port, 'tasks/cancel', of, both);
  await eventually(async () => (await temporal.get(String(of.taskId).split('#')[0]!).read()).status === 'cancelled');

  const file = join(folder, 'task');
  const long = await call(port, 'waiter', { input: file }, {}, both);
  await rpc(port, 'tasks/cancel', { taskId: long.result!['taskId'] }, both);
  await eventually(async () => {
    const task = await rpc(port, 'tasks/get', { taskId: long.result!['taskId'] }, both);
    return task.result!['status'] === 'cancelled';
  });
  await stop(started);
});

test('is a server whose tasks agents with mcp() wait for, and answer', async () => {
  const { started, port } = await serve();
  const headers = { authorization: `Bearer ${TOKEN}` };
  const url = `http://127.0.0.1:${port}/mcp`;
  const { tools, close } = await mcp({ name: 'agents', url, headers, tools: ['payer'], effect: 'once' }).open();
  const [tool] = tools;
  const context = (attempt: number, answer?: { text: string; state: string }) =>
    ({
      signal: new AbortController().signal,
      idempotencyKey: `payer-${port}`,
      attempt,
      ...(answer && { answer }),
      progress() {},
    }) as unknown as ToolContext;
  const begun = await tool!.run!({ input: 'Pay.' } as never, context(1));
  assert.ok(begun instanceof TaskStarted);
  // A call that is made again after its worker was lost finds the same run.
  assert.deepEqual(await tool!.run!({ input: 'Pay.' } as never, context(2)), begun);
  const look = (attempt: number, answer?: { text: string; state: string }) =>
    tool!.tasks!.look(begun.state, context(attempt, answer));
  assert.ok((await look(1)) instanceof TaskRuns);
  const question = await eventually(async () => {
    const found = await look(2);
    return found instanceof InputNeeded && found;
  });
  assert.match(question.question, /pay/);
  const answer = { text: JSON.stringify(approve.decision.content), state: question.state };
  assert.ok((await look(1, answer)) instanceof TaskRuns);
  const result = await eventually(async () => {
    const found = await look(2, answer);
    return !(found instanceof TaskRuns) && found;
  });
  assert.equal((result as { text: string }).text, 'paid 500 to ann\u202e');
  await close();
  await stop(started);
});

/** A project in which the optional package is not installed. */
const WITHOUT_SERVER_PACKAGE = `import { registerHooks } from 'node:module';
registerHooks({
  resolve(name, context, next) {
    if (name.startsWith('@modelcontextprotocol/server')) throw new Error('Not found.');
    return next(name, context);
  },
});`;

test('names the option of what it cannot do', async () => {
  const taken = await serve();
  const refused = async (args: string[], env: Record<string, string> = {}) => {
    const { code, stderr } = await holdfast(['mcp', ...args], { env });
    assert.equal(code, 2, stderr);
    return stderr;
  };
  const texts = await Promise.all([
    refused([...at(), 'nobody']),
    refused([...at(), '--port', '80']),
    refused([...at(), '--http', '--host', '0.0.0.0']),
    refused([...at(), '--http', '--token', 'short']),
    refused([...at(), '--http'], { HOLDFAST_MCP_TOKEN: 'short' }),
    refused([...at(), '--http', '--port', String(taken.port)]),
    refused([...at(), '--wait', '5']),
    refused([...at(), '--wait', '600h']),
    refused(['--agents', 'nothing.ts']),
    refused([...at(), '--http', '--allow-host', 'https://agents.example']),
    refused([...at(), 'clerk']),
    refused(at(), { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(WITHOUT_SERVER_PACKAGE)}` }),
  ]);
  const expected = [
    /The agents file exports no agent "nobody"\. It has buyer, chief,/,
    /--port is for HTTP\. Add --http\./,
    /--host 0\.0\.0\.0 can be reached from other machines\. .*--allow-host/,
    /Expected at least 16 letters/,
    /HOLDFAST_MCP_TOKEN is no token\./,
    /cannot be listened on \(EADDRINUSE\)\. Choose with --host and --port\./,
    /has no unit/,
    /Expected at most 24h\./,
    /There is no agents file nothing\.ts/,
    /Expected host names without port/,
    /The agents file exports no agent "clerk"\./,
    /needs the package @modelcontextprotocol\/server\. Install it beside holdfast: npm install/,
  ];
  for (const [i, text] of texts.entries()) assert.match(text, expected[i]!);
  await stop(taken.started);
});

test('writes nothing but the protocol to stdout, and ends when stdin ends', async () => {
  const child: ChildProcessWithoutNullStreams = spawn(process.execPath, [MAIN, 'mcp', ...at(), 'talker']);
  const lines: string[] = [];
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    errors += text;
  });
  const reader = createInterface(child.stdout);
  const initialize = {
    protocolVersion: '2025-06-18',
    capabilities: {},
    clientInfo: { name: 'test', version: '1.0.0' },
  };
  child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: initialize })}\n`);
  child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' })}\n`);
  child.stdin.write('no JSON\n');
  const params = { name: 'talker', arguments: { input: 'Hello.' } };
  child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tools/call', params })}\n`);
  for await (const line of reader) {
    lines.push(line);
    if (JSON.parse(line).id === 2) break;
  }
  const answers = lines.map((line) => JSON.parse(line));
  assert.equal(answers.find(({ id }) => id === 1).result.serverInfo.name, 'holdfast');
  assert.equal(answers.find(({ id }) => id === 2).result.content[0].text, 'You said: Hello.');
  assert.match(errors, /The agents file prints\./);
  child.stdin.end();
  const [code] = await once(child, 'exit');
  assert.equal(code, 0);
});
