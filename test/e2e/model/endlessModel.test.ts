// A model's server that sends without end costs its own run, and no other: the worker reads only so much of it.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { z } from 'zod';
import { defineTool } from '../../../activities/index.ts';
import { MODEL_CALL } from '../../../core/limits.ts';
import { rawServer } from '../../activities/modelServer.ts';
import { endToEnd } from '../../support/bench.ts';
import { tally } from '../../support/waits.ts';

const MB = 1024 * 1024;
const PIECE = Buffer.alloc(MB, 'x');
/** Today's worker would take all of it. */
const ENDLESS_BYTES = 512 * MB;

const effects = tally();
const sent = { endless: 0 };
const firstEnd = Promise.withResolvers<void>();

const event = (choice: object) => `data: ${JSON.stringify({ choices: [{ index: 0, ...choice }] })}\n\n`;
const CALL = { tool_calls: [{ index: 0, id: 'c', function: { name: 'send', arguments: '{"to":"ann"}' } }] };

/** Sends the agent `endless` a line without an end, and redirects `moved`; `innocent` makes a call and is done. */
const server = await rawServer(async (response, request, write) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString();
  if (body.includes('You are moved.')) return void response.writeHead(307, { location: 'http://other.test/v1' }).end();
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  if (body.includes('You are endless.')) {
    await write('data: ');
    for (let bytes = 0; bytes < ENDLESS_BYTES && !response.destroyed; bytes += MB) {
      sent.endless += MB;
      await write(PIECE);
    }
    firstEnd.resolve();
  } else if (body.includes('"role":"tool"')) await write(event({ delta: { content: 'Done.' }, finish_reason: 'stop' }));
  else await write(event({ delta: CALL, finish_reason: 'tool_calls' }));
  response.end();
});
after(() => server.close());

endToEnd(
  "a model's server without an end",
  (bench) => {
    const send = defineTool({
      name: 'send',
      description: 'Sends.',
      input: z.object({ to: z.string() }),
      effect: 'once',
      // In flight while the first endless answer comes.
      run: async ({ to }) => {
        await firstEnd.promise;
        return { times: effects.add(to) };
      },
    });
    const endless = bench.agent({ name: 'endless', script: [] });
    const moved = bench.agent({ name: 'moved', script: [] });
    const innocent = bench.agent({ name: 'innocent', tools: [send], script: [] });

    test('ends a run whose server redirects, without another attempt', async () => {
      const { result, run } = await bench.run(moved);
      assert.deepEqual(
        {
          status: result.status,
          code: result.reasonCode,
          parameters: result.reasonParameters,
          attempts: run.turns[0]?.attempts,
        },
        {
          status: 'model_failed',
          code: 'model_redirected',
          parameters: { status: 307, target: 'http://other.test' },
          attempts: 1,
        },
      );
    });

    // Fifteen seconds of back-off are enough.
    if (!bench.cached) return;
    test('ends its run as model_failed, and leaves other runs alone', async () => {
      const before = process.memoryUsage().rss;
      let most = before;
      const watch = setInterval(() => {
        most = Math.max(most, process.memoryUsage().rss);
      }, 20);
      const [failed, done] = await Promise.all([bench.run(endless), bench.run(innocent)]);
      clearInterval(watch);
      const { status, reasonCode, reasonParameters } = failed.result;
      const { bytes, ...parameters } = reasonParameters as { readonly bytes: number };
      assert.deepEqual(
        { status, reasonCode, parameters, attempts: failed.run.turns[0]?.attempts },
        {
          status: 'model_failed',
          reasonCode: 'model_answer_too_large',
          parameters: { part: 'event', max: 4 * MB },
          attempts: MODEL_CALL.attempts,
        },
      );
      assert.ok(bytes < 5 * MB, `${bytes} bytes were read`);
      assert.deepEqual(
        { status: done.result.status, output: done.result.output, failedCalls: done.result.failedCalls },
        { status: 'completed', output: 'Done.', failedCalls: 0 },
      );
      assert.equal(effects.of('ann'), 1);
      // Server and worker share this process.
      assert.ok(sent.endless < MODEL_CALL.attempts * 20 * MB, `the server could send ${sent.endless} bytes`);
      assert.ok(most - before < 300 * MB, `the process grew by ${most - before} bytes`);
    });
  },
  { model: { baseURL: server.baseURL } },
);
