// `holdfast mcp`, with the official clients of both protocols, over standard input and output and over HTTP.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  type CallToolResult,
  Client,
  type ElicitResult,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { Client as OlderClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as OlderStdio } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as OlderHttp } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { connect, type Holdfast } from '../../client/index.ts';
import { toolCalls } from '../../core/read/run.ts';
import { type DevServer, startDevServer } from '../../worker/dev/devServer.ts';
import { asked } from '../support/people.ts';
import { type Started, start, stop } from './command.ts';

const AGENTS = fileURLToPath(new URL('./mcpAgents.ts', import.meta.url));
const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const TOKEN = 'test-token-0123456789';

let server: DevServer;
let worker: Started;
let temporal: Holdfast;
let http: Started;
let url: string;
let folder: string;
const at = () => ['--agents', AGENTS, '--address', server.address];

async function startHttp(...args: string[]): Promise<{ readonly started: Started; readonly url: string }> {
  const started = start(['mcp', ...at(), '--http', '--port', '0', '--token', TOKEN, '--by', 'ann', ...args]);
  const line = await started.line(/^Serving .* at http/);
  return { started, url: line.split(' at ')[1]! };
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-mcp-'));
  server = await startDevServer();
  temporal = await connect({ address: server.address });
  worker = start(['worker', '--agents', AGENTS, '--address', server.address]);
  await worker.line(/^Polling after/);
  ({ started: http, url } = await startHttp());
});
after(async () => {
  await temporal.close();
  await stop(http);
  await stop(worker);
  await server.kill();
  await rm(folder, { recursive: true });
});

type Fill = (message: string, schema: object) => ElicitResult | Promise<ElicitResult>;
interface Connected {
  tools(): Promise<{ name: string; description?: string; inputSchema: object; outputSchema?: object }[]>;
  call(
    name: string,
    args: object,
    options?: { onProgress?: (message: string) => void; signal?: AbortSignal },
  ): Promise<CallToolResult>;
  close(): Promise<void>;
}
type Connect = (options?: { fill?: Fill; args?: string[]; url?: string }) => Promise<Connected>;

const newer =
  (over: 'stdio' | 'http', pin: boolean): Connect =>
  async ({ fill, args = [], url: to = url } = {}) => {
    const client = new Client(
      { name: 'test', version: '1.0.0' },
      {
        capabilities: fill ? { elicitation: { form: {} } } : {},
        ...(pin && { versionNegotiation: { mode: { pin: '2026-07-28' } } }),
      },
    );
    if (fill)
      client.setRequestHandler('elicitation/create', ({ params }) =>
        fill(params.message, 'requestedSchema' in params ? params.requestedSchema : {}),
      );
    await client.connect(
      over === 'stdio'
        ? new StdioClientTransport({
            command: process.execPath,
            args: [MAIN, 'mcp', ...at(), '--by', 'ann', ...args],
            stderr: 'ignore',
          })
        : new StreamableHTTPClientTransport(new URL(to), {
            requestInit: { headers: { authorization: `Bearer ${TOKEN}` } },
          }),
    );
    assert.equal(client.getProtocolEra(), pin ? 'modern' : 'legacy');
    return {
      tools: async () => (await client.listTools()).tools,
      call: (name, args, { onProgress, signal } = {}) =>
        client.callTool(
          { name, arguments: { ...args } },
          { ...(onProgress && { onprogress: ({ message = '' }) => onProgress(message) }), ...(signal && { signal }) },
        ) as Promise<CallToolResult>,
      close: () => client.close(),
    };
  };

const older =
  (over: 'stdio' | 'http'): Connect =>
  async ({ fill, args = [], url: to = url } = {}) => {
    const client = new OlderClient(
      { name: 'test', version: '1.0.0' },
      { capabilities: fill ? { elicitation: {} } : {} },
    );
    if (fill)
      client.setRequestHandler(ElicitRequestSchema, async ({ params }) => ({
        ...(await fill(params.message, 'requestedSchema' in params ? params.requestedSchema : {})),
      }));
    await client.connect(
      over === 'stdio'
        ? new OlderStdio({
            command: process.execPath,
            args: [MAIN, 'mcp', ...at(), '--by', 'ann', ...args],
            stderr: 'ignore',
          })
        : // Its types are older than the compiler's rule of exact optional properties.
          (new OlderHttp(new URL(to), { requestInit: { headers: { authorization: `Bearer ${TOKEN}` } } }) as never),
    );
    return {
      tools: async () => (await client.listTools()).tools as Awaited<ReturnType<Connected['tools']>>,
      call: (name, args, { onProgress, signal } = {}) =>
        client.callTool({ name, arguments: { ...args } }, undefined, {
          ...(onProgress && { onprogress: ({ message = '' }) => onProgress(message) }),
          ...(signal && { signal }),
        }) as Promise<CallToolResult>,
      close: () => client.close(),
    };
  };

const textOf = ({ content }: CallToolResult) =>
  content.map((block) => (block.type === 'text' ? block.text : assert.fail(`It is ${block.type}.`))).join('\n');
const runOf = ({ _meta }: CallToolResult) => String(_meta?.['holdfast/run']);

const CLIENTS: Readonly<Record<string, Connect>> = {
  'stdio, protocol without sessions': newer('stdio', true),
  'stdio, older protocol': newer('stdio', false),
  'stdio, older client': older('stdio'),
  'HTTP, protocol without sessions': newer('http', true),
  'HTTP, older protocol': newer('http', false),
  'HTTP, older client': older('http'),
};

for (const [name, open] of Object.entries(CLIENTS))
  describe(`mcp over ${name}`, { concurrency: 4 }, () => {
    test('lists agents with their schemas, and answers with text and value', async () => {
      const client = await open();
      const tools = await client.tools();
      const names = tools.map((tool) => tool.name);
      const agents = ['buyer', 'chief', 'endless', 'payer', 'reporter', 'spender', 'talker', 'waiter'];
      assert.deepEqual(names, [...agents, 'holdfast_result', 'holdfast_status', 'holdfast_cancel']);
      const toolOf = (agent: string) => tools.find((tool) => tool.name === agent)!;
      const [talker, reporter] = [toolOf('talker'), toolOf('reporter')];
      assert.equal(talker.description, 'Repeats what it is told.');
      assert.deepEqual(Object.keys((talker.inputSchema as { properties: object }).properties), ['input', 'session']);
      const { properties, required } = reporter.inputSchema as { properties: { context: object }; required: string[] };
      assert.deepEqual((properties.context as { properties: object }).properties, { tenant: { type: 'string' } });
      assert.deepEqual(required, ['input', 'context']);
      assert.deepEqual(Object.keys((reporter.outputSchema as { properties: object }).properties), ['city', 'degrees']);
      assert.ok(!JSON.stringify(tools).includes('Secret'));

      const said = await client.call('talker', { input: 'Hello.' });
      assert.deepEqual({ text: textOf(said), isError: said.isError }, { text: 'You said: Hello.', isError: undefined });
      assert.match(runOf(said), /^mcp-talker-/);
      const reported = await client.call('reporter', { input: 'Oslo', context: { tenant: 'acme' } });
      assert.deepEqual(reported.structuredContent, { city: 'Oslo', degrees: 21 });
      assert.deepEqual(JSON.parse(textOf(reported)), { city: 'Oslo', degrees: 21 });
      const handle = temporal.get(runOf(reported));
      assert.equal((await handle.read()).agent, 'reporter');
      await client.close();
    });

    test('asks the client what a call asks, and runs it if it is approved', async () => {
      const messages: string[] = [];
      const schemas: object[] = [];
      const client = await open({
        fill: (message, schema) => {
          messages.push(message);
          schemas.push(schema);
          return { action: 'accept', content: { decision: 'approve' } };
        },
      });
      const paid = await client.call('payer', { input: 'Pay.' });
      assert.equal(textOf(paid), 'paid 500 to ann\u202e');
      assert.equal(messages.length, 1);
      // What cannot be seen is spelled.
      assert.match(
        messages[0]!,
        /wants to call pay \(call 1\.0\) with\n\{\n {2}"amount": 500,\n {2}"to": "ann\\u202e"\n\}\nPay 500\?$/,
      );
      assert.deepEqual(Object.keys((schemas[0] as { properties: object }).properties), ['decision', 'reason']);
      const [call] = toolCalls(await temporal.get(runOf(paid)).read());
      assert.deepEqual([call?.decision?.verdict, call?.decision?.by], ['approve', 'ann']);
      await client.close();
    });

    test('rejects with the reason that the form has, for a sub-agent as well', async () => {
      const client = await open({
        fill: () => ({ action: 'accept', content: { decision: 'reject', reason: 'Too much.' } }),
      });
      assert.match(textOf(await client.call('chief', { input: 'Pay.' })), /Too much\./);
      await client.close();
    });

    test('asks again after an answer that is none, and leaves open what is declined', async () => {
      const messages: string[] = [];
      const client = await open({
        fill: (message) => {
          messages.push(message);
          return messages.length === 1 ? { action: 'accept', content: { decision: 'yes' } } : { action: 'decline' };
        },
      });
      const declined = await client.call('payer', { input: 'Pay.' });
      assert.match(messages[1]!, /^That was no answer: /);
      assert.match(textOf(declined), /waits for a person\.\n1\.0 pay .*\nDecide: .* approve mcp-payer-\w+ 1\.0/);
      await asked(temporal.get(runOf(declined)));
      await client.close();
    });

    test('ends the question when somebody else has decided', async () => {
      const { promise: asks, resolve } = Promise.withResolvers<string>();
      const client = await open({
        fill: async (message) => {
          resolve(/mcp-payer-\w+/.exec(message)![0]);
          // Nobody is at the keyboard until it is decided.
          const run = temporal.get(/mcp-payer-\w+/.exec(message)![0]);
          await run.approve();
          await run.result();
          // The older protocol takes the form back; the newer one is sent what does not count any more.
          return name.includes('without sessions')
            ? { action: 'accept', content: { decision: 'reject' } }
            : new Promise<never>(() => {});
        },
      });
      const paid = client.call('payer', { input: 'Pay.' });
      const run = await asks;
      assert.equal(textOf(await paid), 'paid 500 to ann\u202e');
      assert.equal(runOf(await paid), run);
      await client.close();
    });

    test('answers external calls and raises budgets by form', async () => {
      const client = await open({
        fill: (message): ElicitResult =>
          message.includes('budget')
            ? { action: 'accept', content: { decision: 'raise', limit: 5 } }
            : { action: 'accept', content: { decision: 'respond', text: 'Two loaves.' } },
      });
      assert.match(textOf(await client.call('buyer', { input: 'Buy.' })), /Two loaves\./);
      await client.close();
    });

    test('says that a run waits, and how to decide, to a client that has no forms', async () => {
      const client = await open();
      const waits = await client.call('payer', { input: 'Pay.' });
      const run = runOf(waits);
      assert.equal(waits.isError, undefined);
      assert.match(
        textOf(waits),
        new RegExp(`approve ${run} 1\\.0 .*\nIt continues by itself: call holdfast_result`, 's'),
      );
      const status = textOf(await client.call('holdfast_status', { run }));
      assert.match(status, new RegExp(`^Run ${run} of payer: running, 1 turn, 1 call\\.\nRun ${run} waits`));
      await temporal.get(run).approve();
      assert.equal(textOf(await client.call('holdfast_result', { run })), 'paid 500 to ann\u202e');
      await client.close();
    });

    test('stops asking in time, and keeps the run', async () => {
      let forms = 0;
      const client = await open({
        fill: () => {
          forms++;
          return { action: 'accept', content: { decision: 'approve' } };
        },
      });
      const first = await client.call('spender', { input: 'Spend.' });
      assert.match(textOf(first), /waits for a person/);
      assert.equal(forms, 8);
      assert.equal(textOf(await client.call('holdfast_result', { run: runOf(first) })), 'All is spent.');
      assert.equal(forms, 9);
      await client.close();
    });

    test('reports progress with the run first', async () => {
      const file = join(folder, `progress-${name}`);
      const client = await open();
      const seen: string[] = [];
      const { promise: calls, resolve } = Promise.withResolvers<void>();
      const answered = client.call(
        'waiter',
        { input: file },
        {
          onProgress: (message) => {
            seen.push(message);
            if (message.endsWith('calls wait.')) resolve();
          },
        },
      );
      await calls;
      await writeFile(file, '');
      assert.equal(textOf(await answered), 'It has come.');
      assert.match(seen[0]!, /^Run mcp-waiter-\w+ has started\.$/);
      await client.close();
    });

    test('keeps the run of a call that was cancelled, and finds it by its id', async () => {
      const file = join(folder, `cancelled-${name}`);
      const client = await open();
      const leaves = new AbortController();
      const { promise: started, resolve } = Promise.withResolvers<string>();
      const left = client.call(
        'waiter',
        { input: file },
        {
          signal: leaves.signal,
          onProgress: (message) => resolve(/mcp-waiter-\w+/.exec(message)![0]),
        },
      );
      const run = await started;
      leaves.abort();
      await assert.rejects(left);
      await client.close();

      const next = await open();
      assert.match(textOf(await next.call('holdfast_status', { run })), /running/);
      const waits = next.call('holdfast_result', { run });
      await writeFile(file, '');
      assert.equal(textOf(await waits), 'It has come.');
      await next.close();
    });

    test('holds a conversation', async () => {
      const client = await open();
      const first = await client.call('talker', { input: 'One.', session: 'new' });
      assert.match(
        textOf(first),
        /^You said: One\.\nTo continue this conversation, pass "session": "mcp-talker-\w+#1"\.$/,
      );
      const second = await client.call('talker', { input: 'Two.', session: runOf(first) });
      assert.match(textOf(second), /^You said: Two\./);
      assert.equal(runOf(second), runOf(first).replace('#1', '#2'));
      assert.equal(
        textOf(await client.call('holdfast_cancel', { run: runOf(second) })),
        `Run ${runOf(second)} is cancelled.`,
      );
      await client.close();
    });

    test('answers bad calls with what is wrong, and goes on', async () => {
      const client = await open();
      await assert.rejects(client.call('nobody', { input: 'Hello.' }), /There is no tool "nobody"/);
      const wrong = async (name: string, args: object) => {
        const answer = await client.call(name, args);
        assert.equal(answer.isError, true);
        return textOf(answer);
      };
      const texts = await Promise.all([
        wrong('talker', {}),
        wrong('talker', { input: ' ' }),
        wrong('talker', { input: 'Hi.', context: {} }),
        wrong('talker', { input: 'Hi.', session: 'mcp-nobody-1' }),
        wrong('reporter', { input: 'Oslo' }),
        wrong('reporter', { input: 'Oslo', context: { tenant: 7 } }),
        wrong('talker', { input: 'x'.repeat(3_000_000) }),
        wrong('holdfast_status', { run: 'temporal-sys-1' }),
        wrong('holdfast_result', { run: 'mcp-talker-doesnotexist' }),
        wrong('endless', { input: 'Go.' }),
      ]);
      const expected = [
        /"input" of talker must be a text/,
        /The input for talker is empty/,
        /talker has no argument "context"/,
        /There is no run "mcp-nobody-1"/,
        /context does not fit agent reporter: tenant/,
        /context does not fit agent reporter: tenant/,
        /The input has 3,000,000 bytes; at most 1,048,576 are allowed/,
        /There is no run "temporal-sys-1"/,
        /There is no run "mcp-talker-doesnotexist"/,
        /^Run mcp-endless-\w+ ended as max_turns\./,
      ];
      for (const [i, text] of texts.entries()) assert.match(text, expected[i]!);
      assert.equal(textOf(await client.call('talker', { input: 'Still there?' })), 'You said: Still there?');
      await client.close();
    });

    test('answers calls side by side', async () => {
      const client = await open();
      const answers = await Promise.all(
        Array.from({ length: 12 }, (_, i) => client.call('talker', { input: `${i}` }).then(textOf)),
      );
      assert.deepEqual(
        answers,
        Array.from({ length: 12 }, (_, i) => `You said: ${i}`),
      );
      await client.close();
    });
  });
