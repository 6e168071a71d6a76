// Tools of MCP servers, against the official example server over both transports, and against a server that misbehaves.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import {
  createServer as createHttpServer,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ToolContext } from '../../../activities/define/types.ts';
import { type Agent, asTool, defineAgent, type McpOptions, mcp } from '../../../activities/index.ts';
import { createConnection } from '../../../activities/mcp/connection.ts';
import { openAgents } from '../../../activities/openAgents.ts';
import { createRegistry } from '../../../activities/registry.ts';
import { fileStorage } from '../../../client/index.ts';
import { toolCalls } from '../../../core/read/run.ts';
import { holdfast } from '../../cli/command.ts';
import { endToEnd } from '../../support/bench.ts';
import { everything, everythingOverHttp, freePort, type ServerOverHttp } from '../../support/everythingServer.ts';
import { asked } from '../../support/people.ts';
import { sentTo } from '../../support/sent.ts';
import { golden, toolTexts } from '../../support/toolTexts.ts';
import { eventually } from '../../support/waits.ts';

const sums = fileURLToPath(new URL('../../support/mcpServer.ts', import.meta.url));

const folder = await mkdtemp(join(tmpdir(), 'holdfast-mcp-'));
after(() => rm(folder, { recursive: true }));

let files = 0;
/** The server that misbehaves, with a file of its calls. */
function sumsServer(env: Record<string, string> = {}) {
  const calls = join(folder, `calls-${++files}`);
  const options = { name: 'sums', command: process.execPath, args: [sums], env: { CALLS: calls, ...env } } as const;
  return {
    options,
    calls: () => readFile(calls, 'utf8').catch(() => ''),
    forget: () => writeFile(calls, ''),
  };
}

/** Calls the tools one after the other, a turn each. */
const inTurn =
  (...calls: [string, object][]) =>
  ({ turn }: { turn: number }) => {
    const next = calls[turn - 1];
    return next ? { calls: [{ tool: next[0], arguments: next[1] }] } : 'Done.';
  };

let http: ServerOverHttp;
before(async () => {
  http = await everythingOverHttp();
});
after(() => http.close());

/** Forwards to the example server, but refuses its calls; counts the streams that clients hold open. */
function refusingProxy(to: string, status: number) {
  return startProxy(to, async (body, request, response) => {
    const isCall = body.includes('"tools/call"');
    if (isCall) response.writeHead(status).end(`Busy. Your key is ${request.headers['x-api-key']}.`);
    return isCall;
  });
}

/** Forwards to a server what `take` does not answer itself. */
async function startProxy(
  to: string,
  take: (body: string, request: IncomingMessage, response: ServerResponse) => Promise<boolean>,
) {
  const streams = new Set<ServerResponse>();
  const proxy = createHttpServer(async (request, response) => {
    const body = await text(request);
    if (await take(body, request, response)) return;
    const { method, headers } = request;
    const forwarded = httpRequest(to, { method, headers }, (answer) => {
      if (method === 'GET') streams.add(response.on('close', () => streams.delete(response)));
      response.writeHead(answer.statusCode!, answer.headers);
      // The head of a stream has to arrive before its first event.
      response.flushHeaders();
      answer.pipe(response);
      response.on('close', () => answer.destroy());
    });
    forwarded.on('error', () => response.destroy()).end(body);
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return {
    url: `http://127.0.0.1:${(proxy.address() as { port: number }).port}/mcp`,
    streams,
    close() {
      proxy.close();
      proxy.closeAllConnections();
    },
  };
}

/** Its address is known once it has started. */
function later(options: () => McpOptions): ReturnType<typeof mcp> {
  return { kind: 'source', name: 'everything', open: () => mcp(options()).open() };
}

endToEnd(
  'images of MCP servers',
  (bench) => {
    const artist = bench.agent({
      tools: [mcp({ name: 'everything', command: process.execPath, args: [everything], effect: 'read' })],
      script: ({ turn }) =>
        turn === 1
          ? {
              calls: [
                { tool: 'get-tiny-image', arguments: {} },
                { tool: 'get-resource-reference', arguments: { resourceType: 'Blob', resourceId: 2 } },
              ],
            }
          : 'Done.',
    });
    test('reach the model, in the order of the text around them', async () => {
      const { run } = await bench.run(artist);
      const [call, resource] = toolCalls(run);
      assert.match(call!.text!, /^[^[]+\n\[image, image\/png, \d+ kB\]\n[^[]+$/);
      assert.equal(call!.attachments?.length, 1);
      const { content } = sentTo(bench, artist).at(-1)!.at(-1)!;
      const parts = content as unknown as readonly { readonly image_url?: { readonly url: string } }[];
      const [url] = parts.flatMap((part) => (part.image_url ? [part.image_url.url] : []));
      const [, base64 = ''] = /^data:image\/png;base64,(.+)$/.exec(url ?? '') ?? [];
      assert.equal(Buffer.from(base64, 'base64').length, call!.attachments?.[0]?.stored?.bytes);
      // A text as base64 is a file that every model reads.
      assert.equal(resource!.attachments?.[0]?.type, 'text/plain', resource!.text!);
    });
  },
  { payloads: { storage: fileStorage(join(folder, 'store')) } },
);

endToEnd('tools of MCP servers', (bench) => {
  const overStdio = mcp({ name: 'everything', command: process.execPath, args: [everything], effect: 'read' });
  const overHttp = later(() => ({ name: 'everything', url: http.url, effect: 'read', prefix: 'web_' }));
  const both = bench.agent({
    tools: [overStdio, overHttp],
    script: ({ turn }) =>
      turn === 1
        ? {
            calls: [
              { tool: 'get-sum', arguments: { a: 2, b: 3 } },
              { tool: 'web_get-sum', arguments: { a: 20, b: 30 } },
              { tool: 'web_echo', arguments: { message: 'over HTTP' } },
              { tool: 'get-tiny-image', arguments: {} },
              { tool: 'get-structured-content', arguments: { location: 'Chicago' } },
              { tool: 'get-sum', arguments: { a: 'two', b: 3 } },
              { tool: 'trigger-long-running-operation', arguments: { duration: 0.2, steps: 2 } },
            ],
          }
        : 'Done.',
  });
  test('run as activities, over standard input and over HTTP', async () => {
    const { run, history } = await bench.run(both, 'Go.', golden(bench.cached, 'mcp'));
    const texts = toolTexts(run);
    assert.match(texts[0]!, /The sum of 2 and 3 is 5/);
    assert.match(texts[1]!, /The sum of 20 and 30 is 50/);
    assert.match(texts[2]!, /over HTTP/);
    // The bench has no payload store.
    assert.match(texts[3]!, /\n\[image, image\/png, \d+ kB: not kept: .*Set "storage"/);
    assert.match(texts[4]!, /"temperature":36/);
    assert.match(texts[5]!, /invalid arguments: a: Invalid input: expected number, received string/);
    assert.match(texts[6]!, /Duration: 0.2 seconds, Steps: 2/);
    const types = history.events?.map((event) => event.activityTaskScheduledEventAttributes?.activityType?.name);
    assert.ok(types?.includes('web_get-sum') && types.includes('get-tiny-image'));
  });

  const twice = bench.agent({
    tools: [later(() => ({ name: 'everything', url: http.url, effect: 'once', tools: ['echo'] }))],
    async script({ turn }) {
      if (turn === 2) await http.restart();
      return turn <= 2 ? { calls: [{ tool: 'echo', arguments: { message: `turn ${turn}` } }] } : 'Done.';
    },
  });
  test('a server over HTTP that was started again, and knows no session, is connected to anew', async () => {
    const { run } = await bench.run(twice);
    assert.deepEqual(toolTexts(run), ['Echo: turn 1', 'Echo: turn 2']);
  });
});

endToEnd('the example server', (bench) => {
  const pidFile = join(folder, `pid-${bench.mode}`);
  const killed = { name: 'everything', effect: 'read', tools: ['trigger-long-running-operation'] } as const;
  const retry = { initial: '10 ms' } as const;
  // Writes down which process it is.
  const args = ['-c', `echo $$ > ${pidFile}; exec "$0" "$@"`, process.execPath, everything];
  const transports = {
    'standard output': {
      tools: mcp({ ...killed, retry, command: 'sh', args }),
      kill: async () => void process.kill(Number(await readFile(pidFile, 'utf8')), 'SIGKILL'),
    },
    HTTP: { tools: later(() => ({ ...killed, retry, url: http.url })), kill: () => http.restart() },
  };
  for (const [transport, { tools, kill }] of Object.entries(transports)) {
    const call = { tool: 'trigger-long-running-operation', arguments: { duration: 3, steps: 6 } };
    const agent = bench.agent({ tools: [tools], script: [{ calls: [call] }, 'Done.'] });
    test(`that is killed during a call over ${transport} is called again`, async () => {
      const handle = await bench.holdfast.start(agent.name, 'Go.');
      let lastError: string | null | undefined;
      let killing: Promise<void> | undefined;
      for await (const event of handle.events()) {
        if (event.type === 'progress') killing ??= kill();
        if (event.type === 'attempt' && event.slot === 0) ({ lastError } = event);
      }
      await killing;
      const { run } = await bench.finished(handle.workflowId);
      assert.match(toolTexts(run)[0]!, /Duration: 3 seconds, Steps: 6/);
      assert.equal(toolCalls(run)[0]!.attempts, 2);
      // At once, and not when the call has timed out.
      assert.match(lastError ?? '', /the connection to the MCP server "everything" was lost during the call/);
    });
  }
});

endToEnd('an MCP server that misbehaves', (bench) => {
  const dying = (effect: 'read' | 'once') => {
    const server = sumsServer();
    const source = mcp({ ...server.options, effect, tools: ['die'], retry: { initial: '10 ms' } });
    const agent = bench.agent({ name: `dying_${effect}`, tools: [source], script: inTurn(['die', {}]) });
    return { agent, server };
  };
  const read = dying('read');
  test('one that dies during a call is started again, and the call runs again', async () => {
    await read.server.forget();
    const { run } = await bench.run(read.agent);
    assert.deepEqual(
      { texts: toolTexts(run), calls: await read.server.calls() },
      { texts: ['It lives.'], calls: 'die\ndie\n' },
    );
  });
  const only = dying('once');
  test('a call that may not run twice ends as unknown, whatever the server hints', async () => {
    await only.server.forget();
    const { run } = await bench.run(only.agent);
    assert.match(toolTexts(run)[0]!, /the connection to the MCP server \\"sums\\" was lost during the call/);
    assert.deepEqual(
      { kind: run.turns[0]?.calls[0]?.kind, calls: await only.server.calls() },
      { kind: 'outcome_unknown', calls: 'die\n' },
    );
  });

  const failing = sumsServer();
  const fails = bench.agent({
    tools: [mcp({ ...failing.options, effect: 'read', tools: ['fail', 'odd.name/x'] })],
    script: ({ turn }) =>
      turn === 1 ? { calls: ['fail', 'odd_name_x'].map((tool) => ({ tool, arguments: {} })) } : 'Done.',
  });
  test('what the tool itself says is wrong is told to the model, once', async () => {
    await failing.forget();
    const { run } = await bench.run(fails);
    const [failed, value] = toolTexts(run);
    assert.match(failed!, /There is no bed 7/);
    assert.deepEqual({ value, calls: await failing.calls() }, { value: '{"total":7}', calls: 'fail\n' });
  });

  const changing = sumsServer();
  const changes = bench.agent({
    tools: [mcp({ ...changing.options, effect: 'read', tools: ['add', 'rewrite'] })],
    script: inTurn(['add', { a: 1, b: 2 }], ['rewrite', {}], ['add', { a: 1, b: 2 }]),
  });
  test('a tool that the server has changed is not called', async () => {
    const { run } = await bench.run(changes);
    const [first, , second] = toolTexts(run);
    assert.equal(first, '3');
    assert.match(second!, /has changed this tool since it was accepted/);
    assert.doesNotMatch(JSON.stringify(run.transcript), /evil/);
  });

  const paying = sumsServer();
  const pays = bench.agent({
    tools: [mcp({ ...paying.options, effect: 'once', tools: ['add'], approval: { add: 'always' } })],
    script: inTurn(['add', { a: 1, b: 2 }]),
  });
  test('a person approves a call, and the server has its key', async () => {
    await paying.forget();
    const handle = await bench.holdfast.start(pays.name, 'Go.');
    const [question] = await asked(handle);
    assert.equal(await paying.calls(), '');
    await handle.decide({ call: question!.call, digest: question!.digest, verdict: 'approve' });
    const { run } = await bench.finished(handle.workflowId);
    assert.deepEqual(toolTexts(run), ['3']);
    assert.match(await paying.calls(), new RegExp(`^add ${handle.workflowId}/\\S+\\n$`));
  });
});

describe('an MCP server over HTTP that refuses calls', () => {
  const context = () =>
    ({ signal: new AbortController().signal, idempotencyKey: 'key', progress() {} }) as unknown as ToolContext;

  async function refused(
    status: number,
    use: (call: () => Promise<Error>, streams: ReadonlySet<ServerResponse>) => Promise<void>,
  ) {
    const proxy = await refusingProxy(http.url, status);
    try {
      const headers = { 'x-api-key': 'hunter2-4711' };
      const options = { name: 'web', url: proxy.url, headers, effect: 'once', tools: ['echo'] } as const;
      const { tools, close } = await mcp(options).open();
      const call = async () => {
        try {
          await tools[0]!.run!({ message: 'hi' } as never, context());
        } catch (error) {
          return error as Error;
        }
        return assert.fail('The call was not refused.');
      };
      try {
        await use(call, proxy.streams);
      } finally {
        await close();
      }
      await eventually(async () => proxy.streams.size === 0);
    } finally {
      proxy.close();
    }
  }

  test('leaves no session open, neither during its calls nor afterwards', () =>
    refused(503, async (call, streams) => {
      await eventually(async () => streams.size === 1);
      const [first] = streams;
      await call();
      await eventually(async () => !streams.has(first!));
    }));

  test('is known not to have run the tool if it is busy', () =>
    refused(429, async (call) => {
      const { message } = await call();
      assert.match(message, /^the MCP server "web" is busy: .*Busy/);
    }));

  test('gets the token of now with each request', async () => {
    let issued = 0;
    const seen: (string | undefined)[] = [];
    const proxy = await startProxy(http.url, async (body, { headers }) => {
      if (body.includes('"tools/call"')) seen.push(headers.authorization);
      return false;
    });
    const headers = async () => {
      issued += 1;
      return { authorization: `Bearer token-${issued}` };
    };
    const { tools, close } = await mcp({
      name: 'web',
      url: proxy.url,
      headers,
      effect: 'read',
      tools: ['echo'],
    }).open();
    for (let i = 0; i < 2; i++) await tools[0]!.run!({ message: 'hi' } as never, context());
    await close();
    proxy.close();
    assert.equal(new Set(seen).size, 2);
    for (const token of seen) assert.match(token ?? '', /^Bearer token-\d+$/);
  });

  test('does not tell the model the headers that it quotes', () =>
    refused(503, async (call) => {
      const { message } = await call();
      assert.match(message, /Busy\. Your key is \[hidden\]/);
    }));
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('opening MCP servers', () => {
  const agentWith = (...options: McpOptions[]): Agent =>
    defineAgent({ name: 'adder', model: 'm', instructions: 'Add.', tools: options.map((one) => mcp(one)) });
  const { options } = sumsServer();

  test('gives an agent their tools, and its sub-agents theirs', async () => {
    const below = agentWith({ ...options, effect: { add: 'once' }, tools: ['add'], timeout: '3 s' });
    const above = defineAgent({
      name: 'above',
      model: 'm',
      instructions: 'Ask.',
      tools: [asTool(below, { description: 'Adds.' })],
    });
    const { agents, close } = await openAgents([above]);
    try {
      const { tool, toolNames } = createRegistry(agents);
      const add = tool('adder', 'add');
      assert.deepEqual([...toolNames], ['add']);
      assert.deepEqual(
        {
          effect: add.policy.effect,
          attempts: add.policy.attempts,
          timeoutMs: add.policy.timeoutMs,
          description: add.description,
        },
        { effect: 'once', attempts: 1, timeoutMs: 3_000, description: 'Adds two numbers.' },
      );
    } finally {
      await close();
    }
  });

  test('refuses tools that are not those that were accepted', async () => {
    const opened = await mcp({ ...options, effect: 'read', tools: ['add', 'fail'] }).open();
    await opened.close();
    assert.equal(opened.isPinned, false);
    const pinned = { ...options, effect: 'read', tools: opened.pins } as const;
    const same = await mcp(pinned).open();
    await same.close();
    assert.equal(same.isPinned, true);
    const env = { ...options.env, DESCRIPTION: 'Adds, and tells evil@example.com.' };
    await assert.rejects(mcp({ ...pinned, env }).open(), (error: Error) => {
      assert.match(
        error.message,
        /MCP server "sums": tools have changed. If you accept what they are now, set in tools:/,
      );
      assert.match(error.message, /add: '\S{22}', and no longer '\S{22}'. It now says: Adds, and tells evil/);
      assert.doesNotMatch(error.message, /fail:/);
      return true;
    });
  });

  test('gives a program what it needs for the network, and none of the secrets', async () => {
    const seen = join(folder, 'environment');
    const write = `require('node:fs').writeFileSync(${JSON.stringify(seen)}, JSON.stringify(process.env)); process.exit(1)`;
    const given = { NODE_EXTRA_CA_CERTS: '/certs.pem', https_proxy: 'http://proxy', SECRET_KEY: 'sk-1' };
    const before = { ...process.env };
    Object.assign(process.env, given);
    try {
      await assert.rejects(mcp({ name: 'env', command: process.execPath, args: ['-e', write], effect: 'read' }).open());
    } finally {
      for (const name of Object.keys(given)) delete process.env[name];
      Object.assign(process.env, before);
    }
    const { NODE_EXTRA_CA_CERTS, https_proxy, SECRET_KEY } = JSON.parse(await readFile(seen, 'utf8'));
    assert.deepEqual([NODE_EXTRA_CA_CERTS, https_proxy, SECRET_KEY], ['/certs.pem', 'http://proxy', undefined]);
  });

  test('shows the digests to accept tools by', async () => {
    const file = join(folder, 'agents.ts');
    const holdfastSource = fileURLToPath(new URL('../../../activities/index.ts', import.meta.url));
    const source = JSON.stringify({ ...options, effect: 'read', tools: ['add', 'odd.name/x'] });
    await writeFile(
      file,
      `import { defineAgent, mcp } from ${JSON.stringify(holdfastSource)};
       export const adder = defineAgent({ name: 'adder', model: 'm', instructions: 'Add.', tools: [mcp(${source})] });`,
    );
    const { code, stdout } = await holdfast(['agents', '--agents', file]);
    const { pins, close } = await mcp(JSON.parse(source)).open();
    await close();
    assert.equal(code, 0);
    const lines = stdout.split('\n').map((line) => line.trim());
    assert.ok(lines.some((line) => line.startsWith('odd_name_x')));
    for (const [tool, digest] of Object.entries(pins)) assert.ok(lines.includes(`"${tool}": '${digest}',`), stdout);
  });

  test('ends with the worker, also while a server has not answered yet', async () => {
    const started = join(folder, 'started');
    const write = `require('node:fs').writeFileSync(${JSON.stringify(started)}, String(process.pid)); setInterval(() => {}, 1_000)`;
    const program = { command: process.execPath, args: ['-e', write], env: {} };
    const connection = createConnection('mute', program, 30_000);
    const refused = assert.rejects(connection.client());
    const pid = Number(await eventually(() => readFile(started, 'utf8').catch(() => null)));
    const closedAt = Date.now();
    await connection.close();
    await refused;
    assert.ok(Date.now() - closedAt < 8_000);
    await eventually(async () => !isRunning(pid));
    await assert.rejects(connection.client(), /"mute" is closed/);
  });

  test('refuses a server that speaks something else, in a line that says so', async () => {
    const answers: readonly (readonly [type: string, body: string, says: RegExp])[] = [
      ['text/html', '<html>Welcome.</html>', /not as an MCP server does \(Unexpected content type: text\/html\)/],
      ['application/json', '{"hello":"world"}', /not as an MCP server does \(JSON of another form\)/],
      ['application/json', 'hello', /not as an MCP server does \(Unexpected token .*\)/],
    ];
    for (const [type, body, says] of answers) {
      const server = createHttpServer((_, response) => response.writeHead(200, { 'content-type': type }).end(body));
      await once(server.listen(0, '127.0.0.1'), 'listening');
      const { port } = server.address() as { port: number };
      await assert.rejects(
        openAgents([agentWith({ name: 'web', url: `http://127.0.0.1:${port}/`, effect: 'read' })]),
        ({ message }: Error) => {
          assert.match(message, says);
          assert.match(message, /^The MCP server "web" cannot be reached: it answers, .*\. Check url and headers\.$/);
          return true;
        },
      );
      server.close();
      server.closeAllConnections();
    }
  });

  test('waits for a server over HTTP that starts slowly, as long as startTimeout says', async () => {
    let isFirst = true;
    const proxy = await startProxy(http.url, async () => {
      // More than half of it.
      if (isFirst) await sleep(2_000);
      isFirst = false;
      return false;
    });
    const slow = { name: 'slow', url: proxy.url, effect: 'read', tools: ['echo'] } as const;
    const { tools, close } = await mcp({ ...slow, startTimeout: '3 s' }).open();
    await close();
    assert.equal(tools.length, 1);
    isFirst = true;
    await assert.rejects(
      mcp({ ...slow, startTimeout: '300 ms' }).open(),
      /has not answered for 0\.3 s, its startTimeout/,
    );
    proxy.close();
  });

  test('tells the model nothing of what a program says that does not start again', async () => {
    const [broken, pidFile] = [join(folder, 'broken'), join(folder, 'pid')];
    const script = `if [ -e ${broken} ]; then echo "password hunter2" >&2; exit 3; fi; echo $$ > ${pidFile}; exec "$0" "$@"`;
    const program = { command: 'sh', args: ['-c', script, process.execPath, everything] } as const;
    const options = { name: 'everything', ...program, effect: 'read', tools: ['echo'] } as const;
    const { tools, close } = await mcp(options).open();
    await writeFile(broken, '');
    process.kill(Number(await readFile(pidFile, 'utf8')), 'SIGKILL');
    const context = { signal: new AbortController().signal, idempotencyKey: 'key', progress() {} };
    const call = async () => {
      const failed: unknown = await Promise.resolve(tools[0]!.run!({ message: 'hi' } as never, context as never)).catch(
        (error) => error,
      );
      return failed instanceof Error ? failed.message : '';
    };
    const isReached = async () => !/cannot be reached/.test(await call());
    await eventually(async () => !(await isReached()));
    // From then on, it is asked which protocol it speaks, as at the start.
    assert.match(await call(), /^The MCP server "everything" cannot be reached: \w[^.\n]*$/);
    await close();
    // Whoever starts a worker needs it.
    await assert.rejects(mcp(options).open(), /cannot be reached: .*\. Check command.*\npassword hunter2/);
    await rm(broken);
  });

  test('refuses what is wrong, and says which option is', async () => {
    const wrong: [McpOptions, RegExp][] = [
      [{ ...options, effect: 'read', tools: ['subtract'] }, /it has no tool subtract. It has add, die/],
      [{ ...options, effect: 'read', approval: { Add: 'always' } }, /approval names Add, which is not among its tools/],
      [{ ...options, effect: { add: 'read' } }, /effect says nothing of its tool die/],
      [
        { ...options, effect: 'read', command: 'no-such-program' },
        /cannot be reached: there is no program no-such-program\. Check command, args, env and cwd\.$/,
      ],
      [{ ...options, effect: 'read', cwd: '/no/such' } as McpOptions, /there is no folder \/no\/such\. Check .* cwd/],
      [
        { ...options, effect: 'read', args: ['-e', 'console.error("no config"); process.exit(3)'] },
        /cannot be reached: .*\n.*no config/,
      ],
      [
        { ...options, effect: 'read', args: ['-e', 'setTimeout(() => {}, 60_000)'], startTimeout: '300 ms' },
        /has not answered for 0.3 s, its startTimeout/,
      ],
      [
        { name: 'web', url: `http://127.0.0.1:${await freePort()}/mcp`, effect: 'read' },
        /MCP server "web" cannot be reached: .*ECONNREFUSED.*\. Check url and headers\.$/,
      ],
    ];
    for (const [given, message] of wrong)
      await assert.rejects(openAgents([agentWith(given)]), message, String(message));
    const two = agentWith({ ...options, effect: 'read' }, { ...options, name: 'other', effect: 'read' });
    await assert.rejects(
      openAgents([two]),
      /Agent "adder": the MCP server "sums" and the MCP server "other" both have a tool named add\. In mcp\(\), set prefix/,
    );
    const { close } = await openAgents([
      agentWith({ ...options, effect: 'read' }, { ...options, effect: 'read', prefix: 'b_' }),
    ]);
    await close();
  });

  test('refuses options that cannot be right, at the definition', () => {
    const web = { command: undefined, args: undefined, env: undefined, url: 'http://localhost/mcp' };
    const wrong: [object, RegExp][] = [
      [{ effect: 'maybe' }, /effect must be/],
      [{ effect: undefined }, /effect must be/],
      [{ effect: null }, /effect must be/],
      [{ approval: null }, /approval must be/],
      [{ tools: [] }, /tools is empty/],
      [{ tools: ['add'], approval: { subtract: 'always' } }, /approval names subtract/],
      [{ tools: ['add'], effect: { add: 'read', subtract: 'read' } }, /effect names subtract/],
      [{ approval: 'sometimes' }, /approval must be/],
      [{ url: 'http://localhost/mcp' }, /either command or url/],
      [{ command: undefined }, /either command or url/],
      [{ ...web, url: 'localhost' }, /url must be an address/],
      [{ ...web, url: 'http://ann:secret@localhost/mcp' }, /url must have no login(?!.*secret)/],
      [{ prefix: 'a b' }, /prefix must be/],
      [{ name: '' }, /name is missing/],
      [{ timeout: 'soon' }, /timeout is "soon"/],
      [{ startTimeout: 'soon' }, /startTimeout is "soon"/],
      [{ approvals: 'always' }, /approvals is not an option/],
      [{ tools: 'add' }, /tools must be a list of names/],
      [{ tools: null }, /tools must be a list of names/],
      [{ args: '-y server' }, /args must be a list of texts/],
      [{ args: [7] }, /args must be a list of texts/],
      [{ env: 'A=1' }, /env must be an object/],
      [{ cwd: 7 }, /cwd must be the path/],
      [{ headers: { a: 'b' } }, /headers is an option beside url, and it has command/],
      [{ command: undefined, url: 'http://localhost/mcp' }, /args is an option beside command, and it has url/],
      [{ ...web, headers: 'a: b' }, /headers must be an object/],
      [{ taskTimeout: '90 days' }, /taskTimeout is "90 days", which is longer than 24 days/],
    ];
    for (const [given, message] of wrong)
      assert.throws(() => mcp({ ...options, effect: 'read', ...given } as never), message, JSON.stringify(given));
  });
});
