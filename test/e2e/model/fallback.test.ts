// Several providers on one worker, and models that are asked when others have failed.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { z } from 'zod';
import { defineTool } from '../../../activities/index.ts';
import { rawServer } from '../../activities/modelServer.ts';
import { endToEnd } from '../../support/bench.ts';
import { golden, toolTexts } from '../../support/toolTexts.ts';

interface Received {
  readonly key: string;
  readonly team: string;
  readonly agent: string;
  readonly model: string;
  readonly body: Readonly<Record<string, unknown>> & {
    readonly messages: readonly Readonly<Record<string, unknown>>[];
  };
}

const received: Received[] = [];
const of = (agent: string) => received.filter((one) => one.agent === agent).map(({ key, model }) => `${key} ${model}`);

const event = (delta: object, finish: string | null = null) =>
  `data: ${JSON.stringify({ model: 'answered', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
const refuses = (status: number, message: string) => ({ status, body: JSON.stringify({ error: { message } }) });

/** What the server does is in the model's name. */
const server = await rawServer(async (response, request, write) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = JSON.parse(Buffer.concat(chunks).toString()) as Received['body'] & { model: string };
  const { authorization = '', 'x-team': team = '' } = request.headers;
  const agent = /You are (\w+)/.exec(String(body.messages[0]?.['content']))?.[1] ?? '';
  const { model } = body;
  received.push({ key: authorization.replace('Bearer ', ''), team: String(team), agent, model, body });
  const { status, body: text } =
    model === 'unknown' ? refuses(404, 'There is no such model.') : refuses(503, 'Down for a moment.');
  if (model === 'unknown' || model === 'down') return void response.writeHead(status).end(text);
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const turn = body.messages.filter(({ role }) => role === 'assistant').length + 1;
  if (model === 'dies') {
    await write(event({ content: 'I begin, and' }));
    return void response.destroy();
  }
  const call = { index: 0, id: `c${turn}`, type: 'function', function: { name: 'look', arguments: '{}' } };
  if (turn === 1)
    return void response.end(
      event({ reasoning_content: `thoughts of ${model}`, tool_calls: [call] }) + event({}, 'tool_calls'),
    );
  response.end(event({ content: `Done by ${model}.` }, 'stop'));
});
after(() => server.close());

const { baseURL } = server;
const sent: string[] = [];
const providers = {
  first: {
    baseURL,
    apiKey: 'key-of-first',
    headers: { 'x-team': 'claims' },
    body: (body: object) => ({ ...body, top_p: 0.5 }),
  },
  second: {
    // The same server, for another account.
    baseURL,
    apiKey: 'key-of-second',
    fetch: (async (input, init) => {
      sent.push(String(input));
      return fetch(input, init);
    }) satisfies typeof fetch,
  },
};

endToEnd(
  'models of several providers',
  (bench) => {
    const look = defineTool({
      name: 'look',
      description: 'Looks.',
      input: z.object({}),
      effect: 'read',
      run: () => 'seen',
    });
    const agentOf = (name: string, model: string | string[], options = {}) =>
      bench.agent({ name, model, tools: [look], script: [], body: { seed: 8 }, ...options });

    const plain = agentOf('plain', 'first:good');
    test('a model is asked of its provider, with its key, headers and fields', async () => {
      received.length = 0;
      const { run } = await bench.run(plain);
      assert.equal(run.output, 'Done by good.');
      assert.deepEqual(of('plain'), ['key-of-first good', 'key-of-first good']);
      const [request] = received.filter(({ agent }) => agent === 'plain');
      assert.deepEqual([request?.team, request?.body['seed'], request?.body['top_p']], ['claims', 8, 0.5]);
      assert.deepEqual(
        run.turns.map(({ passedOver }) => passedOver),
        [undefined, undefined],
      );
      assert.doesNotMatch(JSON.stringify(await bench.holdfast.get(run.workflowId).histories()), /key-of-first|claims/);
    });

    const refused = agentOf('refused', ['first:unknown', 'second:good']);
    test('the next one is asked when one refuses, and the turn says so', async () => {
      const before = sent.length;
      const { run, result } = await bench.run(refused, 'Go.', golden(bench.cached, 'fallback'));
      assert.deepEqual({ status: result.status, output: run.output }, { status: 'completed', output: 'Done by good.' });
      const calls = ['key-of-first unknown', 'key-of-second good'];
      assert.deepEqual(of('refused').slice(-4), [...calls, ...calls]);
      for (const { model, passedOver } of run.turns) {
        assert.equal(model, 'answered');
        assert.deepEqual(
          passedOver?.map(({ model }) => model),
          ['unknown'],
        );
        assert.match(passedOver![0]!.error, /There is no such model/);
      }
      assert.ok(sent.length >= before + 2, 'through its own fetch');
      assert.deepEqual(toolTexts(run), ['seen']);
    });

    const down = agentOf('down', ['first:down', 'second:dies', 'second:good'], { modelOutage: '1 h' });
    test('an outage of one is not waited for while another answers, which gets nothing that a third one sent', async () => {
      const { run, result } = await bench.run(down);
      assert.deepEqual({ status: result.status, output: run.output }, { status: 'completed', output: 'Done by good.' });
      assert.deepEqual(
        run.turns[0]?.passedOver?.map(({ model }) => model),
        ['down', 'dies'],
      );
      assert.equal(run.turns[0]?.attempts, 3);
      // The second turn is asked of all three again. Only the provider that has written the first one gets its reasoning back.
      const later = received.filter(({ agent, body }) => agent === 'down' && body.messages.length > 2);
      const withReasoning = (key: string) =>
        later
          .filter((one) => one.key === key)
          .map(({ body }) => body.messages.some((one) => 'reasoning_content' in one));
      assert.ok(withReasoning('key-of-first').length > 0 && !withReasoning('key-of-first').includes(true));
      assert.ok(withReasoning('key-of-second').includes(true));
    });

    const none = agentOf('none', ['first:unknown', 'second:unknown']);
    test('a run ends when all have refused, and says what each said', async () => {
      const { result } = await bench.run(none);
      assert.equal(result.status, 'model_failed');
      assert.match(result.reason ?? '', /There is no such model.*Before that, unknown: /);
      assert.equal(of('none').length % 2, 0);
    });

    const waits = agentOf('waits', ['first:unknown', 'second:down'], { modelOutage: '1 ms' });
    test('a run waits for those that may come back, and not for those that refuse', async () => {
      const { result } = await bench.run(waits);
      assert.equal(result.status, 'model_failed');
      assert.match(result.reason ?? '', /Down for a moment/);
      const asked = of('waits');
      assert.ok(
        asked.filter((one) => one.endsWith('down')).length > asked.filter((one) => one.endsWith('unknown')).length,
      );
    });
  },
  { providers, model: { apiKey: 'none', baseURL } },
);
