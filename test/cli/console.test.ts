// The console's server: who may ask it, what it answers, and that a hundred pages cost no more than one.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { after, before, test } from 'node:test';
import type { RunList } from '../../cli/console/lists.ts';
import { type DevServer, startDevServer } from '../../worker/dev/devServer.ts';
import { type ConsoleGround, startConsole, TOKEN } from '../support/consoleGround.ts';
import { asked } from '../support/people.ts';
import { quietLogs } from '../support/quiet.ts';
import { eventually } from '../support/waits.ts';

quietLogs();
/** Its own: what is listed and counted are the runs of a whole server. */
let server: DevServer;
let ground: ConsoleGround;
before(async () => {
  server = await startDevServer();
  ground = await startConsole(server.address);
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
    assert.equal((await shown.ask('/api/runs/x/cancel', init)).status, 403);
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
