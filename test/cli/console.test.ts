// The console's server: who may ask it, what it answers, and that a hundred pages cost no more than one.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { offlineModel, startScriptedModel } from '../../activities/testing/index.ts';
import type { RunList } from '../../cli/console/lists.ts';
import { type DevServer, startDevServer } from '../../worker/dev/devServer.ts';
import { CLERK, type ConsoleGround, HOSTILE, startConsole, TOKEN } from '../support/consoleGround.ts';
import { asked } from '../support/people.ts';
import { quietLogs } from '../support/quiet.ts';
import { eventually } from '../support/waits.ts';

quietLogs();
/** Its own: what is listed and counted are the runs of a whole server. */
let server: DevServer;
let ground: ConsoleGround;
before(async () => {
  server = await startDevServer();
  ground = await startConsole(server.address, { agentsFile: CLERK });
});
after(async () => {
  await ground.close();
  await server.kill();
});

const JSON_TYPE = { 'content-type': 'application/json' };
const post = (path: string, body: unknown, init: RequestInit = {}) =>
  ground.ask(path, { method: 'POST', body: JSON.stringify(body), ...init, headers: { ...JSON_TYPE, ...init.headers } });
const start = async (agent: string) => ground.holdfast.start(agent, 'Go.', { id: `${agent}-${randomUUID()}` });

/** `fetch` sets the host itself. */
function statusFor(headers: Record<string, string>, path = '/api/about'): Promise<number> {
  return new Promise((resolve, reject) => {
    request(`${ground.url}${path}`, { headers }, (response) => {
      response.resume();
      resolve(response.statusCode!);
    })
      .on('error', reject)
      .end();
  });
}

test('gives data to nobody without the token', async () => {
  for (const path of ['/api/about', '/api/runs', '/api/inbox', '/api/runs/x/live', '/api/nothing']) {
    assert.equal((await fetch(`${ground.url}${path}`)).status, 401, path);
    const wrong = { authorization: `Bearer ${TOKEN}x` };
    assert.equal((await fetch(`${ground.url}${path}`, { headers: wrong })).status, 401, path);
  }
  const command = await fetch(`${ground.url}/api/runs/x/cancel`, { method: 'POST', headers: JSON_TYPE, body: '{}' });
  assert.equal(command.status, 401);
  assert.equal((await ground.ask('/api/about')).status, 200);
});

test('answers under names of this machine only, and no page of another origin', async () => {
  const { host } = new URL(ground.url);
  const authorization = `Bearer ${TOKEN}`;
  assert.equal(await statusFor({ host, authorization }), 200);
  assert.equal(await statusFor({ host: 'localhost:1234', authorization }), 200);
  assert.equal(await statusFor({ host: `evil.example:${new URL(ground.url).port}`, authorization }), 403);
  assert.equal(await statusFor({ host: `127.0.0.1.evil.example`, authorization }), 403);
  assert.equal(await statusFor({ host: 'evil.example' }, '/'), 403, 'the page, too');
  assert.equal(await statusFor({ host, authorization, origin: `http://${host}` }), 200);
  for (const origin of ['https://evil.example', 'http://127.0.0.1:1', 'null', 'http://localhost'])
    assert.equal(await statusFor({ host, authorization, origin }), 403, origin);
});

test('lets no page run a script of others, or be framed', async () => {
  const page = await ground.ask('/');
  assert.equal(page.status, 200);
  const policy = page.headers.get('content-security-policy') ?? '';
  for (const rule of [
    "default-src 'none'",
    "script-src 'self'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ])
    assert.ok(policy.split('; ').includes(rule), rule);
  assert.equal(page.headers.get('x-content-type-options'), 'nosniff');
  const html = await page.text();
  assert.doesNotMatch(html, /<script(?![^>]* src=)|<style|\son\w+=|https?:/, 'nothing inline, nothing from elsewhere');
});

test('decides what is pending, bound to the arguments that were shown', async () => {
  const run = await start('payer');
  const [question] = await asked(run, 1);
  assert.ok(question?.kind === 'approval');
  const { call, digest } = question;
  const path = `/api/runs/${run.workflowId}/decide`;
  const other = await post(path, { call, digest: 'of something else', verdict: 'approve' });
  assert.equal(other.status, 409);
  assert.match(((await other.json()) as { error: { message: string } }).error.message, /./);
  assert.equal((await post(path, { call, digest, verdict: 'approve', why: 'It is due.' })).status, 200);
  const result = await run.result();
  assert.equal(result.status, 'completed');
  const [decided] = (await run.read()).turns.flatMap((turn) => turn.calls);
  assert.equal(decided?.decision?.by, 'ann');
  assert.equal(decided?.decision?.why, 'It is due.');
});

test('refuses bodies that no page of ours sends, and does nothing then', async () => {
  const run = await start('payer');
  await asked(run, 1);
  const path = `/api/runs/${run.workflowId}`;
  const bodies: readonly [string, unknown][] = [
    ['decide', { call: '1.0', verdict: 'approve' }],
    ['decide', { call: '1.0', digest: 'x', verdict: 'approve', by: 'somebody else' }],
    ['decide', []],
    ['decide', null],
    ['raise', { cost: -1 }],
    ['raise', { cost: '1e9' }],
    ['stop', { force: true }],
    ['cancelCall', { call: 1 }],
    ['fork', {}],
    ['fork', { turn: 0 }],
    ['fork', { turn: 1, effects: 'all' }],
    ['fork', { turn: 1, results: { '1.0': 7 } }],
    ['fork', { turn: 1, by: 'somebody else' }],
    ['diff', { with: '' }],
    ['ask', { turn: 1, times: 0 }],
    ['ask', { turn: 1, times: 1_000 }],
    ['ask', { turn: 1, times: 1, baseUrl: 'http://elsewhere.example' }],
    ['ask', { turn: 1, times: 1, models: 'a\0b' }],
    ['rerun', { tools: 'live=pay', times: 1 }],
    ['rerun', { tools: 'recorded', times: 1, agents: '/etc/passwd' }],
  ];
  for (const [command, body] of bodies)
    assert.equal((await post(`${path}/${command}`, body)).status, 400, `${command} ${JSON.stringify(body)}`);
  assert.equal((await post(`${path}/terminate`, {})).status, 404);
  assert.equal((await post(`${path}/__proto__`, {})).status, 404);
  assert.equal((await ground.ask(`${path}/cancel`, { method: 'POST', body: '{}' })).status, 415, 'as a form would');
  assert.equal((await ground.ask(`${path}/cancel`, { method: 'POST', headers: JSON_TYPE, body: '{' })).status, 400);
  const large = { text: 'x'.repeat(3 * 1024 * 1024), id: 'x' };
  assert.equal((await post(`${path}/steer`, large)).status, 400);
  const { status, questions } = await run.read();
  assert.deepEqual([status, questions.length], ['running', 1]);
  assert.equal((await post(`${path}/cancel`, {})).status, 200);
  assert.equal((await run.result()).status, 'cancelled');
});

test('says what is not there', async () => {
  assert.equal((await post('/api/runs/no-such-run/cancel', {})).status, 404);
  const live = await (await ground.ask('/api/runs/no-such-run/live')).text();
  assert.match(live, /event: failure\ndata: .*"status":404.*no-such-run/);
  const run = await start('payer');
  assert.equal((await ground.ask(`/api/runs/${run.workflowId}/calls/9.9`)).status, 404);
  assert.equal((await ground.ask(`/api/runs/${run.workflowId}/requests/99`)).status, 404);
  assert.equal((await ground.ask('/elsewhere')).status, 404);
  await run.cancel();
});

/** The updates of a stream of server-sent events, as they come. */
async function* updates(response: Response) {
  let rest = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + chunk).split('\n\n');
    rest = blocks.pop()!;
    for (const block of blocks) {
      const [, event, data] = /^event: (\w+)\ndata: (.*)$/s.exec(block) ?? [];
      if (event === 'update') yield JSON.parse(data!);
    }
  }
}

test('has one follower of a run for all pages, which get what changes only', async () => {
  const run = await start('patient');
  const path = `/api/runs/${encodeURIComponent(run.workflowId)}/live`;
  const pages = await Promise.all(Array.from({ length: 10 }, async () => updates(await ground.ask(path))));
  // Until each has seen that one call has ended, and the other runs.
  for (const page of pages)
    for await (const { turns } of page) if (turns[0]?.calls[0]?.ok === true && turns[0].calls[1]?.ok === null) break;
  const followed = ground.followed();
  const page = updates(await ground.ask(path));
  const first = (await page.next()).value;
  assert.equal(first.turns.length, 1);
  assert.equal(ground.followed(), followed, 'the same follower');
  const last = (async () => {
    const turns: number[] = [];
    let status = '';
    for await (const update of page) {
      turns.push(...update.turns.map(({ turn }: { turn: number }) => turn));
      status = update.head.status;
    }
    return { turns, status };
  })();
  ground.held.open();
  const { turns, status } = await last;
  assert.equal(status, 'completed');
  assert.deepEqual([...new Set(turns)], [1, 2]);
  await eventually(async () => ground.followed() === followed - 1);
});

test('finds runs whose ids are no paths', async () => {
  const id = `a/b c?d#e%2f/../${randomUUID()}`;
  const run = await ground.holdfast.start('payer', 'Go.', { id });
  await asked(run, 1);
  const path = `/api/runs/${encodeURIComponent(id)}`;
  for await (const { head } of updates(await ground.ask(`${path}/live`))) {
    assert.equal(head.workflowId, id);
    break;
  }
  assert.equal((await post(`${path}/cancel`, {})).status, 200);
  assert.equal((await run.result()).status, 'cancelled');
});

test('lists runs by state, by a part of their names and by their labels', async () => {
  const labels = { tenant: randomUUID() };
  const run = await ground.holdfast.start('payer', 'Go.', { id: `payer-${randomUUID()}`, labels });
  await asked(run, 1);
  const listed = async (query: string) => {
    const { runs } = (await (await ground.ask(`/api/runs?${query}`)).json()) as { runs: { workflowId: string }[] };
    return runs.map(({ workflowId }) => workflowId);
  };
  const text = run.workflowId.slice(-12).toUpperCase();
  await eventually(async () => (await listed(`status=waiting&text=${text}`)).includes(run.workflowId));
  assert.deepEqual(await listed(`status=completed&text=${text}`), []);
  assert.equal((await listed('limit=1')).length, 1);
  const label = encodeURIComponent(`tenant=${labels.tenant}`);
  assert.deepEqual(await listed(`text=${label}`), [run.workflowId]);
  assert.deepEqual(await listed(`text=${label}%20payer&status=waiting`), [run.workflowId]);
  assert.deepEqual(await listed(`text=${label}%20hostile`), []);
  assert.deepEqual(await listed(`text=${label}x`), []);
  await eventually(async () => {
    const inbox = (await (await ground.ask('/api/inbox')).json()) as { waiting: { workflowId: string }[] };
    return inbox.waiting.some(({ workflowId }) => workflowId === run.workflowId);
  });
  await run.cancel();
});

interface Answered<T> {
  readonly answer: T;
  readonly error?: { readonly message: string };
}

async function command<T>(workflowId: string, name: string, body: object) {
  const response = await post(`/api/runs/${encodeURIComponent(workflowId)}/${name}`, body);
  return { status: response.status, ...((await response.json()) as Answered<T>) };
}

async function ended(agent: string, input = 'Refund order 7.'): Promise<string> {
  const run = await ground.holdfast.start(agent, input, { id: `${agent}-${randomUUID()}` });
  await run.result();
  return run.workflowId;
}

test('forks a run, and compares both', async () => {
  const id = await ended('clerk');
  const change = { turn: 2, results: { '1.0': '{"total":99}' }, message: HOSTILE, effects: 'block' };
  const { answer } = await command<{ workflowId: string }>(id, 'fork', change);
  const fork = ground.holdfast.get(answer.workflowId);
  await fork.result();
  const run = await fork.read();
  assert.deepEqual([run.fork?.of.workflowId, run.fork?.of.turn, run.fork?.effects], [id, 2, 'block']);
  assert.equal(run.startedBy, 'ann', 'who must not approve what is not for who started the run');
  assert.ok(JSON.stringify(run.messages).includes('{\\"total\\":99}'), 'the model read the edited result');
  await eventually(async () => {
    const forks = (await (await ground.ask(`/api/runs/${id}/forks`)).json()) as { workflowId: string }[];
    return forks.some(({ workflowId }) => workflowId === answer.workflowId);
  });
  interface Diff {
    readonly differs: boolean;
    readonly head: string;
    readonly values: { readonly a: string; readonly b: string };
    readonly rows: readonly (readonly string[])[];
  }
  const { answer: diff } = await command<Diff>(id, 'diff', { with: answer.workflowId });
  assert.equal(diff.differs, true);
  assert.match(diff.head, /^At turn 2, the request differs/);
  assert.match(diff.values.b, /99/);
  assert.deepEqual(diff.rows[0], ['run', id, answer.workflowId]);
  const { answer: same } = await command<Diff>(id, 'diff', { with: id });
  assert.deepEqual([same.differs, same.head, same.values], [false, 'The runs do the same.', null]);
});

test('says why a run cannot be forked or compared', async () => {
  const id = await ended('clerk');
  const late = await command(id, 'fork', { turn: 9 });
  assert.deepEqual([late.status, /no turn 9/.test(late.error!.message)], [409, true]);
  const tool = await command(id, 'fork', { turn: 2, dropTools: ['refunt'] });
  assert.deepEqual([tool.status, /refund/.test(tool.error!.message)], [409, true]);
  const other = await command(id, 'diff', { with: 'no-such-run' });
  assert.deepEqual([other.status, /no-such-run/.test(other.error!.message)], [404, true]);
  await ground.holdfast.client.workflow.start('elsewhere', { workflowId: `other-${id}`, taskQueue: 'nobody' });
  const program = await command(id, 'diff', { with: `other-${id}` });
  assert.deepEqual([program.status, /another program/.test(program.error!.message)], [409, true]);
});

test('plays a run again without its effects, and only with a module of agents', async () => {
  const id = await ended('clerk');
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-console-'));
  process.env['HAPPENED'] = join(folder, 'happened');
  try {
    interface Played {
      readonly results: readonly { readonly ok: boolean; readonly what: string | null; readonly time: number }[];
    }
    const body = { tools: 'recorded', times: 2, model: 'recorded' };
    const { answer } = await command<Played>(id, 'rerun', body);
    assert.deepEqual(
      answer.results.map(({ ok, what, time }) => [ok, what, time]),
      [
        [true, null, 1],
        [true, null, 2],
      ],
    );
    process.env['STRICT'] = '1';
    const { answer: strict } = await command<Played>(id, 'rerun', { ...body, times: 1 });
    assert.match(strict.results[0]!.what ?? '', /no decision about 2\.0/, 'the module as it is now');
    assert.equal(await readFile(process.env['HAPPENED'], 'utf8').catch(() => 'nothing'), 'nothing');
    const gone = await command('no-such-run', 'rerun', body);
    assert.deepEqual([gone.status, /./.test(gone.error!.message)], [409, true]);
  } finally {
    delete process.env['HAPPENED'];
    delete process.env['STRICT'];
    await rm(folder, { recursive: true });
  }
  const bare = await startConsole(server.address);
  try {
    const response = await bare.ask(`/api/runs/${id}/rerun`, {
      ...{ method: 'POST', headers: JSON_TYPE, body: JSON.stringify({ tools: 'recorded', times: 1 }) },
    });
    assert.match(((await response.json()) as Answered<null>).error!.message, /--agents/);
    assert.equal(response.status, 409);
  } finally {
    await bare.close();
  }
});

test('asks the model of a turn again, and others, with what was typed', async () => {
  const id = await ended('clerk');
  const none = await command(id, 'ask', { turn: 1, times: 1 });
  assert.deepEqual([none.status, /OPENAI_API_KEY/.test(none.error!.message)], [409, true]);
  const model = await startScriptedModel({ scripts: { clerk: () => 'I would ask.', other: () => HOSTILE } });
  Object.assign(process.env, { OPENAI_BASE_URL: model.baseURL, OPENAI_API_KEY: 'offline' });
  try {
    const models = `${offlineModel('clerk')},${offlineModel('other')}`;
    const typed = { instructions: '-x\nBe brief.', message: '--turn=9' };
    interface Asked {
      readonly answers: readonly { readonly model: string; readonly text: string | null }[];
    }
    const { answer } = await command<Asked>(id, 'ask', { turn: 1, times: 2, models, ...typed });
    assert.deepEqual(
      answer.answers.map(({ text }) => text),
      ['I would ask.', 'I would ask.', HOSTILE, HOSTILE],
    );
    const { messages } = model.requests[0]!.body as { messages: { role: string; content: string }[] };
    assert.deepEqual([messages[0]?.content, messages.at(-1)?.content], [typed.instructions, typed.message]);
    const far = await command(id, 'ask', { turn: 99, times: 1 });
    assert.deepEqual([far.status, /99/.test(far.error!.message)], [409, true]);
  } finally {
    delete process.env['OPENAI_BASE_URL'];
    delete process.env['OPENAI_API_KEY'];
    await model.close();
  }
});

test('stops asking when the page is gone, and asks twice at once at most', async () => {
  const id = await ended('clerk');
  const model = await startScriptedModel({ scripts: { clerk: () => ({ fault: 'hang' }) } });
  Object.assign(process.env, { OPENAI_BASE_URL: model.baseURL, OPENAI_API_KEY: 'offline' });
  try {
    const gone = new AbortController();
    const body = { turn: 1, times: 1 };
    const asking = [1, 2].map(() => post(`/api/runs/${id}/ask`, body, { signal: gone.signal }).catch(() => null));
    await eventually(async () => model.requests.length === 2);
    const third = await command(id, 'ask', body);
    assert.deepEqual([third.status, /Try again/.test(third.error!.message)], [409, true]);
    gone.abort();
    await Promise.all(asking);
    // Another one finds a place: those before have ended.
    const next = new AbortController();
    await eventually(async () => {
      void post(`/api/runs/${id}/ask`, body, { signal: next.signal }).catch(() => null);
      return model.requests.length > 2;
    });
    next.abort();
  } finally {
    delete process.env['OPENAI_BASE_URL'];
    delete process.env['OPENAI_API_KEY'];
    await model.close();
  }
});

test('tells the steps of a run, and the attempts of a call', async () => {
  const run = await start('caller');
  const path = `/api/runs/${run.workflowId}`;
  interface Attempts {
    readonly attempt: number;
    readonly lastFailure: string | null;
    readonly most: number | null;
  }
  const attempts = async () => (await (await ground.ask(`${path}/calls/1.0/attempts`)).json()) as Attempts | null;
  await eventually(async () => (await attempts())?.attempt === 2);
  const open = await attempts();
  assert.match(open!.lastFailure ?? '', /^The line is cut\./);
  assert.ok(Number(open!.most) > 1, 'as the tool says');
  type Head = { readonly title: string; readonly begins?: true };
  const heads = async () => (await (await ground.ask(`${path}/steps`)).json()) as Head[];
  const before = (await heads()).length;
  ground.healed.open();
  await run.result();
  const steps = await heads();
  assert.ok(steps.length > before, 'an open run is read again');
  assert.deepEqual([steps.filter(({ begins }) => begins).length, steps.at(-1)?.title], [2, 'the run ends: completed']);
  const at = steps.findIndex(({ title }) => title === '1.0 flaky succeeds') + 1;
  const step = (await (await ground.ask(`${path}/steps/${at}`)).json()) as { call: string; lines: string[] };
  assert.equal(step.call, '1.0');
  assert.ok(step.lines.includes('The attempt before failed:') && step.lines.some((line) => /line is cut/.test(line)));
  for (const number of ['0', '-1', '999', 'x', '1.5'])
    assert.equal((await ground.ask(`${path}/steps/${number}`)).status, 404, number);
  assert.equal((await ground.ask('/api/runs/no-such-run/steps')).status, 404);
  const after = await attempts();
  assert.deepEqual([after?.attempt, /line is cut/.test(after?.lastFailure ?? '')], [2, true]);
});

test('searches inputs, and says how many it has read', async () => {
  const word = randomUUID();
  const labels = { test: word };
  const find = async (query: object) => {
    const response = await ground.ask(`/api/runs?${new URLSearchParams({ text: `test=${word}`, ...query })}`);
    return (await response.json()) as RunList;
  };
  const runs = [];
  for (const input of [`Find ${word}.`, 'Find nothing.'])
    runs.push(await ground.holdfast.start('payer', input, { labels }));
  await Promise.all(runs.map((run) => asked(run, 1)));
  await eventually(async () => (await find({})).runs.length === 2);
  const { found, search } = await eventually(async () => {
    const list = await find({ input: word });
    return list.search?.isRunning === false && { found: list.runs, search: list.search };
  });
  assert.deepEqual(
    found.map(({ workflowId, input }) => [workflowId, input]),
    [[runs[0]!.workflowId, `Find ${word}.`]],
  );
  assert.deepEqual([search.searched, search.isCut], [2, false]);
  // In the list, inputs are shown without a search.
  assert.deepEqual((await find({})).runs.map(({ input }) => input).toSorted(), [`Find ${word}.`, 'Find nothing.']);
  assert.equal((await find({ agent: 'hostile' })).runs.length, 0);
  const soon = new Date(Date.now() + 60_000).toISOString();
  assert.equal((await find({ from: soon })).runs.length, 0);
  assert.equal((await find({ to: soon })).runs.length, 2);
  const refused: readonly Record<string, string>[] = [
    { hours: '-1' },
    { from: 'yesterday' },
    { to: '2026-99-01T00:00Z' },
    { input: 'x'.repeat(2_000) },
  ];
  for (const wrong of refused)
    assert.equal(
      (await ground.ask(`/api/runs?${new URLSearchParams(wrong)}`)).status,
      400,
      JSON.stringify(wrong).slice(0, 40),
    );
  for (const run of runs) await run.cancel();
});

test('counts the runs of a period', async () => {
  const run = await start('payer');
  await asked(run, 1);
  await eventually(async () => {
    const stats = await (await ground.ask(`/api/stats?hours=${1 + Math.random()}`)).json();
    const { agents } = stats as { agents: { name: string; workflowIds: string[] }[] };
    return agents.some(({ name, workflowIds }) => name === 'payer' && workflowIds.includes(run.workflowId));
  });
  for (const hours of ['0', '-1', 'x', '1e9'])
    assert.equal((await ground.ask(`/api/stats?hours=${hours}`)).status, 400);
  await run.cancel();
});

test('only shows, where it is told so', async () => {
  const shown = await startConsole(server.address, { readOnly: true });
  try {
    const init = { method: 'POST', headers: JSON_TYPE, body: '{}' };
    for (const command of ['cancel', 'fork', 'diff', 'ask', 'rerun'])
      assert.equal((await shown.ask(`/api/runs/x/${command}`, init)).status, 403, command);
    assert.equal((await shown.ask('/api/runs')).status, 200);
  } finally {
    await shown.close();
  }
});

test('takes the name of the person from a proxy', async () => {
  const proxied = await startConsole(server.address, { authHeader: 'X-Forwarded-User' });
  try {
    const about = async (headers: Record<string, string>) => {
      const response = await fetch(`${proxied.url}/api/about`, { headers });
      return { status: response.status, ...((await response.json()) as { by?: string }) };
    };
    assert.deepEqual((await about({ 'x-forwarded-user': 'bob' })).by, 'bob');
    assert.equal((await about({})).status, 401);
    assert.equal((await about({ 'x-forwarded-user': ' ' })).status, 401);
    assert.equal((await about({ 'x-forwarded-user': 'b'.repeat(1_000) })).status, 401);
  } finally {
    await proxied.close();
  }
});

test('lets those decide who may, by what a proxy says of them', async () => {
  const proxied = await startConsole(server.address, { authHeader: 'X-User', rolesHeader: 'X-Roles' });
  try {
    const run = await proxied.holdfast.start('treasurer', 'Go.', { by: 'bob' });
    const [question] = await asked(run);
    assert.ok(question);
    const decision = { call: question.call, digest: question.digest, verdict: 'approve' };
    const decide = async (headers: Record<string, string>, body: object = decision) => {
      const response = await fetch(`${proxied.url}/api/runs/${run.workflowId}/decide`, {
        method: 'POST',
        headers: { ...JSON_TYPE, ...headers },
        body: JSON.stringify(body),
      });
      const { error } = (await response.json()) as { error?: { facts?: { reasonCode?: string } } };
      return [response.status, error?.facts?.reasonCode];
    };
    assert.deepEqual(await decide({ 'x-user': 'alice' }), [409, 'decider_not_allowed']);
    assert.deepEqual(await decide({ 'x-user': 'alice', 'x-roles': 'sales, finances' }), [409, 'decider_not_allowed']);
    assert.deepEqual(await decide({ 'x-user': 'role:finance' }), [409, 'decider_not_allowed']);
    assert.deepEqual(await decide({ 'x-user': 'Bob', 'x-roles': 'finance' }), [409, 'decider_is_initiator']);
    const claimed = { ...decision, roles: ['finance'] };
    assert.deepEqual(await decide({ 'x-user': 'alice' }, claimed), [400, undefined], 'the page has no say in it');
    assert.equal((await run.questions()).length, 1);
    const about = await fetch(`${proxied.url}/api/about`, {
      headers: { 'x-user': 'alice', 'x-roles': 'sales,finance' },
    });
    assert.deepEqual(((await about.json()) as { roles?: string[] }).roles, ['sales', 'finance']);
    assert.deepEqual(await decide({ 'x-user': 'alice', 'x-roles': 'sales, finance' }), [200, undefined]);
    await run.result();
    const { by, role } = (await run.read()).turns[0]?.calls[0]?.decision ?? {};
    assert.deepEqual([by, role], ['alice', 'finance']);
  } finally {
    await proxied.close();
  }
});

test('takes roles from no header without a proxy, and lets anybody reject', async () => {
  const run = await ground.holdfast.start('treasurer', 'Go.', { by: 'bob' });
  const [question] = await asked(run);
  assert.ok(question);
  const path = `/api/runs/${run.workflowId}/decide`;
  const { call, digest } = question;
  const headers = { 'x-roles': 'finance', 'x-forwarded-groups': 'finance' };
  assert.equal((await post(path, { call, digest, verdict: 'approve' }, { headers })).status, 409);
  assert.equal((await post(path, { call, digest, verdict: 'reject' })).status, 200);
  await run.result();
});
