// Servers that refuse the second turn unless what they sent with the first comes back: through the workflow, its history, its query and
// continue-as-new.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { z } from 'zod';
import { defineTool } from '../../../activities/index.ts';
import { rawServer } from '../../activities/modelServer.ts';
import { endToEnd } from '../../support/bench.ts';

interface WireMessage {
  readonly role: string;
  readonly content?: string | null;
  readonly tool_calls?: readonly {
    readonly id: string;
    readonly extra_content?: { readonly google?: { readonly thought_signature?: string } };
  }[];
  readonly reasoning_content?: string;
  readonly provider?: unknown;
}

const TURNS = 4;
const event = (delta: object, finish: string | null = null) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;

/** What each server checks and sends, as its documentation says. */
const SERVERS = {
  gemini: {
    problem(messages: readonly WireMessage[]) {
      const calls = messages.flatMap(({ tool_calls = [] }) => tool_calls);
      const unsigned = calls.find((call) => call.extra_content?.google?.thought_signature !== `of ${call.id}`);
      return unsigned ? `Function call is missing a thought_signature: ${unsigned.id}` : null;
    },
    // All numbered 0, and ended with "stop".
    call: (id: string) =>
      event({
        tool_calls: ['a', 'b'].map((part) => ({
          index: 0,
          id: `${id}${part}`,
          type: 'function',
          function: { name: 'look', arguments: '{}' },
          extra_content: { google: { thought_signature: `of ${id}${part}` } },
        })),
      }) + event({}, 'stop'),
  },
  deepseek: {
    problem(messages: readonly WireMessage[]) {
      // Every message of a person here leads to calls. The last answer to each has no reasoning.
      const wrong = messages.findIndex(
        ({ role, tool_calls: calls, reasoning_content: reasoning }) =>
          role === 'assistant' && (reasoning === 'Let me look.') !== (calls !== undefined),
      );
      return wrong >= 0 ? `reasoning_content must be passed back, message ${wrong}` : null;
    },
    call: (id: string) =>
      event({ role: 'assistant', content: null, reasoning_content: 'Let me ' }) +
      event({ reasoning_content: 'look.' }) +
      event({ tool_calls: [{ index: 0, id, type: 'function', function: { name: 'look', arguments: '{}' } }] }) +
      event({}, 'tool_calls'),
  },
};

/** Of the first answer; more than is kept. */
const REASONING_CHARS = 600_000;
const chatty =
  event({ reasoning: 'r'.repeat(REASONING_CHARS) }) +
  event({ tool_calls: [{ index: 0, id: 'c', type: 'function', function: { name: 'look', arguments: '{}' } }] }) +
  event({}, 'tool_calls');

const refused: string[] = [];
const server = await rawServer(async (response, request) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const { messages } = JSON.parse(Buffer.concat(chunks).toString()) as { messages: readonly WireMessage[] };
  if (/You are chatty/.test(messages[0]?.content ?? '')) {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    return void response.end(messages.length > 2 ? event({ content: 'Done.' }, 'stop') : chatty);
  }
  const name = /You are (gemini|deepseek)/.exec(messages[0]?.content ?? '')?.[1] as keyof typeof SERVERS;
  const { problem, call } = SERVERS[name];
  const why = messages.some(({ provider }) => provider) ? 'Unknown field: provider' : problem(messages);
  if (why !== null) {
    refused.push(why);
    return void response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ message: why }));
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const last = messages.findLastIndex(({ role }) => role === 'user');
  const turn = messages.slice(last).filter(({ role }) => role === 'assistant').length;
  response.end(turn < TURNS ? call(`c${messages.length}`) : event({ content: 'Done.' }, 'stop'));
});
after(() => server.close());

endToEnd(
  'a server that wants its own data back',
  (bench) => {
    const look = defineTool({
      name: 'look',
      description: 'Looks.',
      input: z.object({}),
      effect: 'read',
      run: () => 'seen',
    });
    for (const name of ['gemini', 'deepseek'] as const) {
      // Continues as new on the way.
      const agent = bench.agent({ name, tools: [look], script: [], maxHistoryEvents: 60 });
      test(`gets it: ${name}`, async () => {
        const handle = await bench.holdfast.start(agent.name, 'Look.', { session: true });
        await handle.ask('Look again.');
        await handle.close();
        const { run, result } = await bench.finished(handle.workflowId);
        assert.deepEqual({ status: result.status, refused }, { status: 'completed', refused: [] });
        assert.equal(run.turns.length, 2 * (TURNS + 1));
        assert.ok((await handle.histories()).length > 1, 'it has continued as new');
      });
    }

    const talker = bench.agent({ name: 'chatty', tools: [look], script: [] });
    test('warns where it sends more than is kept', async () => {
      const handle = await bench.holdfast.start(talker.name, 'Look.');
      const { run, result } = await bench.finished(handle.workflowId);
      assert.equal(result.status, 'completed', result.reason ?? '');
      const [warning] = result.warnings;
      assert.deepEqual([warning?.code, result.warnings.length], ['provider_data_dropped', 1]);
      assert.match(warning!.text, /^Turn 1: the provider sent 600,\d{3} bytes beside text and calls/);
      assert.deepEqual(run.warnings, result.warnings);
      assert.deepEqual(
        run.turns.map((turn) => turn.warning),
        [warning, undefined],
      );
      assert.ok(run.transcript.every((message) => !('provider' in message)));
    });
  },
  { model: { apiKey: 'none', baseURL: server.baseURL } },
);
