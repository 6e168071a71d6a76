// Whatever a worker was configured with reaches the model's server, and nothing else: not history, not the log, not an output,
// even if the server quotes it in every form.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as readAll } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { connect, type Holdfast } from '../../client/index.ts';
import { type DevServer, startDevServer } from '../../worker/dev/devServer.ts';
import { holdfast, type Started, start, stop, WARD } from '../cli/command.ts';

const SECRETS = {
  user: 'bob-canary-9f27ab',
  password: 'hunter2-Canary-51c3de',
  query: 'token-canary-77aa01',
  header: 'gate-canary-03d9bc',
  key: 'zk-canary-e5f1a2b3c4d5',
};

/** Each secret as servers and libraries may spell it. */
const FORMS = Object.values({ ...SECRETS, login: `${SECRETS.user}:${SECRETS.password}` }).flatMap((secret) => [
  secret,
  secret.toUpperCase(),
  Buffer.from(secret).toString('base64').replaceAll('=', ''),
  Buffer.from(secret).toString('hex'),
  Array.from(secret, (letter) => `%${letter.charCodeAt(0).toString(16)}`).join(''),
  `${secret.slice(0, 4)}...${secret.slice(-4)}`,
]);

interface Asked {
  readonly authorization: string | undefined;
  readonly url: string | undefined;
  readonly header: unknown;
}

const asked: Asked[] = [];
let model: Server;
let server: DevServer;
let worker: Started;
let client: Holdfast;
const outputs: string[] = [];

/** Refuses the first request of a run, and each that says "refuse", with all forms of all secrets. */
function startModel(): Server {
  const seen = new Set<string>();
  return createServer(async (request, response) => {
    const { authorization, 'x-gateway': header } = request.headers;
    asked.push({ authorization, url: request.url, header });
    const { messages } = JSON.parse(await readAll(request));
    const input = messages.at(-1).content;
    const isRefused = input === 'refuse';
    const quoted = { error: { message: FORMS.join(' '), type: 'x', param: null, code: null } };
    const answer = {
      choices: [{ index: 0, message: { content: 'Well.' }, finish_reason: 'stop' }],
      model: SECRETS.key,
    };
    const [status, body] = isRefused ? [401, quoted] : seen.has(input) ? [200, answer] : [429, quoted];
    seen.add(input);
    response.writeHead(status, { 'content-type': 'application/json', 'retry-after-ms': '1500' });
    response.end(JSON.stringify(body));
  }).listen(0, '127.0.0.1');
}

before(async () => {
  model = startModel();
  await once(model, 'listening');
  server = await startDevServer();
  client = await connect({ address: server.address });
  const { port } = model.address() as AddressInfo;
  worker = start(['worker', '--agents', WARD, '--address', server.address], {
    env: {
      OPENAI_API_KEY: SECRETS.key,
      OPENAI_BASE_URL: `http://${SECRETS.user}:${SECRETS.password}@127.0.0.1:${port}/v1?token=${SECRETS.query}`,
      OPENAI_CUSTOM_HEADERS: `X-Gateway: ${SECRETS.header}`,
    },
  });
  await worker.line(/^Polling after/);
});
after(async () => {
  await client.close();
  await stop(worker);
  await server.kill();
  model.closeAllConnections();
  model.close();
});

async function said(...args: string[]): Promise<number | null> {
  const { code, stdout, stderr } = await holdfast([...args, '--address', server.address]);
  outputs.push(stdout, stderr);
  return code;
}

function assertHidden(what: string, text: string): void {
  for (const form of FORMS)
    assert.ok(!text.toLowerCase().includes(form.toLowerCase()), `${what} has ${form}: ${text.slice(0, 4_000)}`);
  assert.doesNotMatch(text, /canary/i, what);
}

test('sends the login as basic authorization, with the query and the headers', async () => {
  assert.equal(await said('run', 'talker', 'Hello.', '--id', 'works'), 0);
  const login = Buffer.from(`${SECRETS.user}:${SECRETS.password}`).toString('base64');
  const request = {
    authorization: `Basic ${login}`,
    url: `/v1/chat/completions?token=${SECRETS.query}`,
    header: SECRETS.header,
  };
  assert.deepEqual(asked, [request, request]);
});

test('shows nothing of them anywhere', async () => {
  assert.equal(await said('run', 'talker', 'refuse', '--id', 'refused'), 1);
  for (const id of ['works', 'refused'])
    for (const args of [
      ['show', id],
      ['show', id, '--json'],
      ['watch', id],
      ['watch', id, '--json'],
      ['export', id],
    ])
      await said(...args);
  for (const [i, output] of outputs.entries()) assertHidden(`output ${i}`, output);
  assertHidden('the log', worker.lines.join('\n'));
  assert.match(worker.lines.join('\n'), /model +the model of each agent at http:\/\/127\.0\.0\.1:\d+\/v1$/m);
  for (const id of ['works', 'refused']) {
    const histories = JSON.stringify(await client.get(id).histories(), (_, value) =>
      value instanceof Uint8Array ? Buffer.from(value).toString() : value,
    );
    assertHidden('history', histories);
    assert.match(histories, /\[hidden\]/);
  }
  const { reason } = await client.get('refused').read();
  assert.match(reason ?? '', /401.*\[hidden\].*Check OPENAI_API_KEY/);
});

test('shows nothing of them if the server cannot be reached', async () => {
  model.closeAllConnections();
  await new Promise((closed) => model.close(closed));
  const handle = await client.start('talker', 'Hello again.', { id: 'unreachable' });
  const messages: string[] = [];
  for await (const event of handle.events()) {
    if (event.type !== 'attempt' || event.lastError === null) continue;
    messages.push(event.lastError);
    break;
  }
  assert.match(messages[0] ?? '', /^Cannot reach the model at http:\/\/127\.0\.0\.1:\d+\/v1: .*ECONNREFUSED/);
  assertHidden('the error', messages[0] ?? '');
  await handle.cancel();
});
