// Only Temporal retries a model call that fails, if a retry may help. A partial answer is never used.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { defineTool } from '../../../activities/index.ts';
import type { Script, ScriptedAnswer } from '../../../activities/testing/index.ts';
import type { Run } from '../../../client/index.ts';
import { MODEL_CALL } from '../../../core/limits.ts';
import { type Bench, endToEnd } from '../../support/bench.ts';
import { golden } from '../../support/toolTexts.ts';
import { eventually, tally } from '../../support/waits.ts';

const KEY = 'canary7f3a9b2c5d8e1f4a6b';

const status = (code: number, headers: Record<string, string> = {}, body?: unknown): ScriptedAnswer => ({
  fault: 'status',
  status: code,
  headers,
  ...(body !== undefined && { body }),
});
const once =
  (...faults: readonly ScriptedAnswer[]): Script =>
  ({ attempt }) =>
    faults[attempt - 1] ?? 'Done.';

/** HTTP calls made are the attempts that history records: nobody retries beside Temporal. */
function assertOneRetryOwner(bench: Bench, agent: { name: string }, run: Run, requests: number): void {
  assert.equal(bench.model.countRequests(agent.name), requests);
  assert.equal(
    run.turns.reduce((sum, { attempts }) => sum + attempts, 0),
    requests,
  );
}

endToEnd(
  'a model that fails',
  (bench) => {
    const passing = [408, 409, 429, 500, 503].map((code) =>
      bench.agent({ script: once(status(code, { 'retry-after-ms': '1' })) }),
    );
    test('is retried by Temporal only after 408, 409, 429 and 5xx', async () => {
      for (const [agent, { run, result }] of (await Promise.all(passing.map((one) => bench.run(one)))).map(
        (done, i) => [passing[i]!, done] as const,
      )) {
        assert.deepEqual({ status: result.status, output: result.output }, { status: 'completed', output: 'Done.' });
        assertOneRetryOwner(bench, agent, run, 2);
      }
    });

    const forms = {
      seconds: { 'retry-after': '1' },
      milliseconds: { 'retry-after-ms': '2', 'retry-after': '99' },
      pastDate: { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' },
      negative: { 'retry-after': '-7' },
      garbage: { 'retry-after': 'soon', 'retry-after-ms': 'NaN' },
    };
    const delayed = Object.values(forms).map((headers) => bench.agent({ script: once(status(429, headers)) }));
    test('is retried after a Retry-After in any form', async () => {
      const done = await Promise.all(delayed.map((agent) => bench.run(agent)));
      for (const [i, { run }] of done.entries()) assertOneRetryOwner(bench, delayed[i]!, run, 2);
    });

    const tomorrow = new Date(Date.now() + 86_400_000).toUTCString();
    const days: [string, string][] = [
      ['retry-after', '86400'],
      ['retry-after', tomorrow],
      ['retry-after-ms', '999999999999'],
    ];
    const long = days.map(([name, value]) => bench.agent({ script: once(status(503, { [name]: value })) }));
    test('is retried after a minute if it asks for a day', async () => {
      for (const agent of long) {
        const handle = await bench.holdfast.start(agent.name, 'Go.');
        const waiting = await eventually(async () => {
          const [activity] = (await handle.describe()).raw.pendingActivities ?? [];
          return activity?.attempt === 2 && activity;
        });
        const delay = Number(waiting.scheduledTime?.seconds) - Number(waiting.lastAttemptCompleteTime?.seconds);
        assert.ok(Math.abs(delay - 60) <= 1, `${delay} s`);
        await handle.cancel();
        assert.equal((await handle.result()).status, 'cancelled');
      }
    });

    const error = (message: string, code: string | null = null) => ({
      error: { message, type: 'x', param: null, code },
    });
    const finals = {
      badRequest: { answer: status(400, {}, error('messages: too odd')), says: /400 messages: too odd/ },
      unauthorised: {
        answer: status(401, {}, error(`Incorrect API key provided: ${KEY} or sk-proj-${KEY}.`)),
        says: /Incorrect API key.*Check OPENAI_API_KEY on the worker\.$/,
      },
      forbidden: { answer: status(403, {}, `Bearer ${KEY} may not`), says: /Check OPENAI_API_KEY/ },
      missing: {
        answer: status(404, {}, error('The model does not exist')),
        says: /does not exist.*OPENAI_MODEL.*OPENAI_BASE_URL/,
      },
      tooLong: {
        answer: status(400, {}, error('maximum context length is 8192 tokens', 'context_length_exceeded')),
        says: /8192 tokens.*exceeds the model's context window/,
      },
    };
    const ends = Object.values(finals).map(({ answer }) => bench.agent({ script: () => answer }));
    test("ends the run after other 4xx, with the provider's message and no key", async () => {
      for (const [i, { says }] of Object.values(finals).entries()) {
        const { result, run, history } = await bench.run(
          ends[i]!,
          'Go.',
          i === 1 ? golden(bench.cached, 'model-failed') : {},
        );
        assert.deepEqual(
          { status: result.status, output: result.output, transcriptLength: result.transcriptLength },
          { status: 'model_failed', output: null, transcriptLength: 1 },
        );
        assert.match(result.reason ?? '', says);
        assertOneRetryOwner(bench, ends[i]!, run, 1);
        assert.doesNotMatch(
          JSON.stringify(history, (_, value) => (value instanceof Uint8Array ? Buffer.from(value).toString() : value)),
          new RegExp(KEY),
        );
      }
    });

    const leaky = bench.agent({
      script: once(status(200, {}, error(`no such key: ${KEY}`)), {
        fault: 'status',
        status: 200,
        headers: { 'content-type': 'text/html' },
        body: `<p>${KEY}</p>`,
      }),
    });
    test('does not leak a quoted key into what Temporal keeps', async () => {
      const handle = await bench.holdfast.start(leaky.name, 'Go.');
      const failures: string[] = [];
      await eventually(async () => {
        const { raw } = await handle.describe();
        const failure = raw.pendingActivities?.[0]?.lastFailure?.message;
        if (failure) failures.push(failure);
        return raw.workflowExecutionInfo?.status === 2;
      });
      assert.match(failures[0] ?? '', /no such key: \[hidden\]/);
      assert.doesNotMatch(failures.join(), new RegExp(KEY));
      assertOneRetryOwner(bench, leaky, (await bench.finished(handle.workflowId)).run, 3);
    });
  },
  { model: { apiKey: KEY } },
);

const LIMIT_MS = 500;

endToEnd(
  'a model that writes longer than an attempt may take',
  (bench) => {
    const words = Array.from({ length: 40 }, (_, i) => `word ${i}`).join(' ');
    const slow = { text: words, chunkDelayMs: 60 };
    const recovers = bench.agent({ script: once(slow) });
    test('is retried', async () => {
      const { result, run } = await bench.run(recovers);
      assert.deepEqual({ status: result.status, output: result.output }, { status: 'completed', output: 'Done.' });
      assertOneRetryOwner(bench, recovers, run, 2);
    });

    if (!bench.cached) return;
    const always = bench.agent({ script: () => slow });
    test('is given up after five attempts, each of which reports it', async () => {
      const { result, run } = await bench.run(always);
      assert.equal(result.status, 'model_failed');
      assert.equal(result.reason, 'The model did not finish its answer within 500 milliseconds.');
      assertOneRetryOwner(bench, always, run, MODEL_CALL.attempts);
    });
  },
  { model: { timeoutMs: LIMIT_MS } },
);

const SILENCE_MS = 700;

endToEnd(
  'a model that breaks off',
  (bench) => {
    const effects = tally();
    const send = defineTool({
      name: 'send',
      description: 'Sends.',
      input: z.object({ to: z.string() }),
      effect: 'once',
      run: ({ to }) => void effects.add(to),
    });
    const calls = [{ tool: 'send', arguments: { to: 'everyone' } }];
    const faults: ScriptedAnswer[] = [
      { fault: 'hang' },
      { fault: 'headersOnly' },
      { fault: 'html' },
      { fault: 'errorWith200' },
      { fault: 'emptyChoices' },
      { fault: 'emptyMessage' },
      ...(['stall', 'reset', 'noEnd', 'errorInStream'] as const).map((fault) => ({ fault, calls })),
      { fault: 'stall', text: 'Half of it', calls, afterChunks: 3 },
    ];
    const recovers = faults.map((fault) => bench.agent({ tools: [send], script: once(fault) }));
    test('is retried, and no partial call runs', async () => {
      const done = await Promise.all(recovers.map((agent) => bench.run(agent)));
      for (const [i, { result, run }] of done.entries()) {
        const { fault } = faults[i] as { fault: string };
        assert.deepEqual(
          { status: result.status, output: result.output, calls: result.calls },
          { status: 'completed', output: 'Done.', calls: 0 },
          fault,
        );
        assert.equal(run.turns[0]?.attempts, 2, fault);
        assert.equal(bench.model.countRequests(recovers[i]!.name), 2, fault);
      }
      assert.equal(effects.of('everyone'), 0);
    });

    // The back-off is the server's and the same in both modes; fifteen seconds of it are enough.
    if (!bench.cached) return;
    const always = [{ fault: 'hang' } as const, { fault: 'noEnd', calls } as const].map((fault) =>
      bench.agent({ tools: [send], script: () => fault }),
    );
    test('is given up after five attempts', async () => {
      const done = await Promise.all(always.map((agent) => bench.run(agent)));
      for (const [i, says] of [
        /sent nothing for 0\.7 seconds|sent nothing for 700 milliseconds/,
        /without a finish_reason/,
      ].entries()) {
        const { result, run } = done[i]!;
        assert.equal(result.status, 'model_failed');
        assert.match(result.reason ?? '', says);
        assertOneRetryOwner(bench, always[i]!, run, MODEL_CALL.attempts);
      }
      assert.equal(effects.of('everyone'), 0);
    });

    bench.agent({ name: 'present', script: ['Here.'] });
    test('ends a run whose agent no worker knows, with the known agents', async () => {
      const { result } = await bench.run({ name: 'absent' } as Parameters<Bench['run']>[0]);
      assert.equal(result.status, 'model_failed');
      assert.match(result.reason ?? '', /does not serve an agent "absent"\. It serves: .*present/);
    });
  },
  { model: { silenceMs: SILENCE_MS } },
);
