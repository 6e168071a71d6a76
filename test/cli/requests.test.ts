// `holdfast show --turn` and `holdfast ask`: what the model was asked, what changed in it, and the same again, without running anything.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { z } from 'zod';
import { defineAgent, defineTool } from '../../activities/index.ts';
import { offlineModel, type ScriptedModel, startScriptedModel } from '../../activities/testing/index.ts';
import { connect, type Holdfast } from '../../client/index.ts';
import { isSummaryRequest } from '../../core/summaryRequest.ts';
import type { Message } from '../../core/types.ts';
import { createWorker, type HoldfastWorker } from '../../worker/index.ts';
import { quietLogs } from '../support/quiet.ts';
import { serverAddress } from '../support/server.ts';
import { holdfast, start } from './command.ts';

const taskQueue = `requests-${randomUUID()}`;
const id = `payer-${randomUUID()}`;
const silenced = `silenced-${randomUUID()}`;
const walked = `walker-${randomUUID()}`;
let paid = 0;
const pay = defineTool({
  name: 'pay',
  description: 'Pays.',
  input: z.object({ amount: z.number(), to: z.string() }),
  effect: 'once',
  run: ({ to }) => {
    paid += 1;
    return `paid ${to}, account 4711`;
  },
});
const payer = defineAgent({
  name: 'payer',
  model: offlineModel('payer'),
  instructions: 'You pay bills.\nBe careful.',
  temperature: 0.2,
  tools: [pay],
  beforeModel: (messages) => ({
    change: messages.map((message) =>
      message.role === 'tool' ? { ...message, content: message.content.replace('4711', '[number]') } : message,
    ),
  }),
});
const mute = defineAgent({
  name: 'mute',
  model: offlineModel('payer'),
  instructions: 'You say nothing.',
  beforeModel: () => ({ reject: 'Not that.' }),
});

const walker = defineAgent({
  name: 'walker',
  model: offlineModel('walker'),
  instructions: 'You walk.',
  tools: [
    defineTool({
      name: 'walk',
      description: 'Walks.',
      input: z.object({ n: z.number() }),
      effect: 'read',
      run: ({ n }) => `step ${n} `.padEnd(1_500, '.'),
    }),
  ],
  compaction: { limitTokens: 4_000, at: 0.5 },
});

let model: ScriptedModel;
let client: Holdfast;
let worker: HoldfastWorker;
let running: Promise<void>;
let folder: string;
const run = async (...args: string[]) =>
  holdfast([...args, '--address', await serverAddress()], {
    env: { OPENAI_BASE_URL: model.baseURL, OPENAI_API_KEY: 'offline' },
  });

before(async () => {
  quietLogs();
  folder = await mkdtemp(join(tmpdir(), 'holdfast-ask-'));
  const script = ({ turn }: { readonly turn: number }) =>
    turn < 3
      ? { text: 'One moment.', calls: [{ tool: 'pay', arguments: { amount: turn, to: `shop ${turn}` } }] }
      : 'All is paid.';
  model = await startScriptedModel({
    summaries: { walker: () => 'Some steps.' },
    scripts: {
      walker: ({ turn }) => (turn < 9 ? { calls: [{ tool: 'walk', arguments: { n: turn } }] } : 'There.'),
      payer: script,
      other: () => 'I would not pay.',
      stuck: () => ({ fault: 'hang' }),
    },
  });
  const address = await serverAddress();
  client = await connect({ address, namespace: 'default', taskQueue });
  worker = await createWorker({
    agents: [payer, mute, walker],
    address,
    namespace: 'default',
    taskQueue,
    model: { apiKey: 'offline', baseURL: model.baseURL },
  });
  running = worker.run();
  await (await client.start('payer', 'Pay the bills.', { id })).result();
  await (await client.start('walker', 'Walk.', { id: walked })).result();
  await (await client.start('mute', 'Speak.', { id: silenced })).result();
});
after(async () => {
  worker.shutdown();
  await running;
  await client.close();
  await model.close();
  await rm(folder, { recursive: true, force: true });
});

interface Body {
  readonly model: string;
  readonly messages: readonly Message[];
}
const received = (agent: string) =>
  model.requests.filter((request) => request.agent === agent).map(({ body }) => body as Body);

test('prints the request of a turn as it went over the wire', async () => {
  const { code, stdout, stderr } = await run('show', id, '--turn', '2', '--request');
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  assert.deepEqual(JSON.parse(stdout), received('payer')[1]);
  assert.match(stdout, /account \[number\]/);
  const { request, answer, ...facts } = JSON.parse(
    (await run('show', id, '--turn', '2', '--request', '--json')).stdout,
  );
  assert.deepEqual(request, received('payer')[1]);
  const { host, pathname } = new URL(model.baseURL);
  assert.deepEqual(facts, {
    turn: 2,
    agent: 'payer',
    api: 'chat',
    server: `http://${host}${pathname}`,
    refused: [],
    isExact: true,
    unknown: [],
  });
  assert.deepEqual(
    [answer.attempts, answer.text, answer.calls[0].text],
    [1, 'One moment.', 'paid shop 2, account 4711'],
  );
});

test('shows what changed since the turn before', async () => {
  const { stdout } = await run('show', id, '--turn', '3', '--diff');
  assert.match(stdout, /From the request of turn 2 to that of turn 3/);
  assert.match(stdout, /The model, parameters and tools are the same\.\n\n {2}4 messages as before/);
  assert.match(stdout, /\+ ── tool\n\+ paid shop 2, account \[number\]/);
  const changed = JSON.parse((await run('show', id, '--turn', '3', '--diff', '--json')).stdout);
  assert.deepEqual(changed.fields, []);
  assert.deepEqual(
    changed.messages.map(({ is, count, messages }: { is: string; count?: number; messages?: Message[] }) => [
      is,
      count ?? messages?.map(({ role }) => role),
    ]),
    [
      ['same', 4],
      ['added', ['assistant', 'tool']],
    ],
  );
  const first = await run('show', id, '--turn', '1', '--diff');
  assert.equal(first.code, 2);
  assert.match(first.stderr, /Turn 1 has the first request that is known/);
});

test('shows one turn', async () => {
  const { stdout } = await run('show', id, '--turn', '1');
  assert.match(stdout, /^Turn 1 of payer-\S+: payer\n1 attempt in /);
  assert.match(stdout, /user:\n {2}Pay the bills\.\n\nmodel:\n {2}One moment\.\n\n✓ 1\.0 pay\n/);
  assert.match(stdout, /→ paid shop 1, account 4711/);
});

test('asks the frozen request of several models, and runs nothing', async () => {
  const before = paid;
  const asked = received('payer').length;
  const models = [offlineModel('payer'), offlineModel('other'), offlineModel('nobody')];
  const { code, stdout } = await run('ask', id, '--turn', '2', '--model', models.join(), '--n', '2', '--json');
  const answers = JSON.parse(stdout) as Record<string, unknown>[];
  assert.equal(code, 1);
  assert.deepEqual(
    answers.map((one) => [
      one['model'],
      one['number'],
      one['text'],
      (one['calls'] as object[]).length,
      one['error'] === null,
    ]),
    [
      [models[0], 1, 'One moment.', 1, true],
      [models[0], 2, 'One moment.', 1, true],
      [models[1], 1, 'I would not pay.', 0, true],
      [models[1], 2, 'I would not pay.', 0, true],
      [models[2], 1, null, 0, false],
      [models[2], 2, null, 0, false],
    ],
  );
  const [original, ...again] = [received('payer')[1], ...received('payer').slice(asked)];
  assert.deepEqual(again, [original, original]);
  assert.deepEqual(received('other'), Array(2).fill({ ...original, model: models[1] }));
  assert.equal(paid, before);
});

test('prints the answers as a table', async () => {
  const { code, stdout } = await run(
    'ask',
    id,
    '--turn',
    '1',
    '--model',
    `${offlineModel('payer')},${offlineModel('other')}`,
  );
  assert.equal(code, 0);
  const [head = '', ...rows] = stdout.trim().split('\n');
  assert.match(head, /^MODEL +NO +TIME +TOKENS IN, OUT +COST +ANSWER$/);
  assert.equal(rows.length, 2);
  assert.match(rows[0]!, /pay \{"amount":1,"to":"shop 1"\}; One moment\.$/);
  assert.match(rows[1]!, /I would not pay\.$/);
});

test('asks with other instructions and another message', async () => {
  const file = join(folder, 'instructions.md');
  await writeFile(file, 'You never pay.');
  const asked = received('payer').length;
  const { code, stderr } = await run('ask', id, '--turn', '1', '--instructions', file, '--message', 'Are you sure?');
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  const [first] = received('payer');
  const { messages } = received('payer').at(-1)!;
  assert.equal(received('payer').length, asked + 1);
  assert.deepEqual(messages, [
    { role: 'system', content: 'You never pay.' },
    ...first!.messages.slice(1),
    { role: 'user', content: 'Are you sure?' },
  ]);
});

test('asks for the summary of a compaction again', async () => {
  const { code, stdout } = await run(
    ...['ask', walked, '--compaction', '1', '--model', `${offlineModel('walker')},${offlineModel('other')}`, '--json'],
  );
  assert.equal(code, 0);
  const [own, other] = JSON.parse(stdout) as { model: string; text: string }[];
  assert.deepEqual([own?.model, own?.text], [offlineModel('walker'), 'Some steps.']);
  assert.equal(other?.model, offlineModel('other'));
  assert.match(other.text, /^Placeholder from the offline script/);
  const [original, ...later] = received('walker').filter(({ messages }) => isSummaryRequest(messages));
  assert.deepEqual(later.at(-1), original);
});

test('ends at once on Ctrl-C', async () => {
  const address = await serverAddress();
  const asking = start(['ask', id, '--turn', '1', '--model', offlineModel('stuck'), '--n', '9', '--address', address], {
    env: { OPENAI_BASE_URL: model.baseURL },
  });
  await model.until((requests) => requests.some(({ agent }) => agent === 'stuck'));
  asking.child.kill('SIGINT');
  assert.equal((await asking.ended).code, 130);
});

const wrong: readonly (readonly [string, () => string[], RegExp])[] = [
  ['an id that is not there', () => ['ask', 'nobody', '--turn', '1'], /no run "nobody"/i],
  ['a turn that is not', () => ['ask', id, '--turn', '9'], /has no turn 9\. It has turns 1 to 3\./],
  ['a turn that is not, to show', () => ['show', id, '--turn', '9'], /has no turn 9\. It has turns 1 to 3\./],
  ['a turn whose model was not asked', () => ['ask', silenced, '--turn', '1'], /a guardrail answered in its place/],
  ['its request', () => ['show', silenced, '--turn', '1', '--request'], /a guardrail answered in its place/],
  [
    'a request without a turn',
    () => ['show', id, '--request'],
    /--request is about one turn\. Name it with --turn N, or a compaction with --compaction K\./,
  ],
  ['no turn', () => ['ask', id], /Name the request: --turn N, or --compaction K\./],
  ['a turn and a compaction', () => ['ask', id, '--turn', '1', '--compaction', '1'], /cannot be used with option/],
  ['a compaction that is not', () => ['ask', id, '--compaction', '1'], /has no compaction 1: it was not compacted/],
  ['an empty name', () => ['ask', id, '--turn', '1', '--model', 'a,,b'], /--model has an empty name/],
  ['too many', () => ['ask', id, '--turn', '1', '--n', '999'], /200 are the most/],
  [
    'a provider that nobody knows',
    () => ['ask', id, '--turn', '1', '--model', 'local:qwen'],
    /there is no provider "local"/,
  ],
  ['a file that is not there', () => ['ask', id, '--turn', '1', '--instructions', 'no.md'], /no\.md cannot be read/],
  ['a server that is no URL', () => ['ask', id, '--turn', '1', '--base-url', 'here'], /not a URL/],
];
for (const [what, args, message] of wrong)
  test(`refuses ${what}`, async () => {
    const { code, stdout, stderr } = await run(...args());
    assert.match(stderr, message);
    assert.deepEqual({ code, stdout }, { code: 2, stdout: '' });
  });

test('refuses to ask where no server is named', async () => {
  const { code, stderr } = await holdfast(['ask', id, '--turn', '1', '--address', await serverAddress()]);
  assert.equal(code, 2);
  assert.match(stderr, /No server is named\. Pass --base-url/);
});

test('prints what the model was asked for the summary of a compaction', async () => {
  const { code, stdout, stderr } = await run('show', walked, '--compaction', '1', '--request');
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  const sent = received('walker').find(({ messages }) => isSummaryRequest(messages));
  assert.deepEqual(JSON.parse(stdout), sent);
  const { requests, ...facts } = JSON.parse(
    (await run('show', walked, '--compaction', '1', '--request', '--json')).stdout,
  );
  assert.equal(facts.agent, 'walker');
  assert.deepEqual([requests.length, requests[0].isExact, requests[0].request], [1, true, sent]);
  assert.deepEqual((await client.get(walked).compactionRequests(1))[0]?.body, sent);

  const shown = await run('show', walked, '--compaction', '1');
  assert.match(shown.stdout, /The conversation was compacted \(summarise\), .*\n\nSome steps\.\n/s);
  const steps = await run('debug', walked);
  assert.match(steps.stdout.replaceAll(/\s+/g, ' '), new RegExp(`show ${walked} +--compaction 1 --request`));
});

test('says which compactions there are', async () => {
  const wrong = [
    [['show', walked, '--compaction', '99'], /has no compaction 99\. It has compactions? 1/],
    [['show', id, '--compaction', '1', '--request'], /has no compaction 1: it was not compacted/],
    [['show', id, '--compaction', '1', '--turn', '2'], /cannot be used with option/],
  ] as const;
  for (const [args, message] of wrong) {
    const { code, stderr } = await run(...args);
    assert.equal(code, 2, args.join(' '));
    assert.match(stderr, message);
  }
});

test('asks through the other API', async () => {
  const { code, stdout, stderr } = await run('ask', id, '--turn', '3', '--api', 'responses', '--json');
  assert.equal(code, 0, stderr);
  const [answer] = JSON.parse(stdout);
  assert.deepEqual([answer.api, answer.text, answer.error], ['responses', 'All is paid.', null]);
  const { input } = received('payer').at(-1) as unknown as { readonly input: readonly { readonly type?: string }[] };
  assert.equal(input.filter(({ type }) => type === 'function_call_output').length, 2);
  const refused = await run('ask', id, '--turn', '3', '--api', 'soap');
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /Allowed choices are chat, responses/);
});
