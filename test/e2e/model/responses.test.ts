// The Responses API over the whole path of the loop: streams become the right calls, and reasoning goes back to the server that sent it.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { z } from 'zod';
import { defineTool } from '../../../activities/index.ts';
import { offlineModel, startScriptedModel } from '../../../activities/testing/index.ts';
import { type Bench, endToEnd } from '../../support/bench.ts';
import { golden, toolTexts } from '../../support/toolTexts.ts';

type Item = Readonly<Record<string, unknown>>;
interface Body extends Readonly<Record<string, unknown>> {
  readonly input: readonly Item[];
}

const bodiesFor = (bench: Bench, { name }: { readonly name: string }) =>
  bench.model.requests.filter(({ body }) => (body as Body | null)?.['model'] === offlineModel(name));
const kinds = ({ input }: Body) => input.map(({ type, role }) => type ?? role);

const look = defineTool({
  name: 'look',
  description: 'Looks.',
  input: z.object({ at: z.string(), far: z.boolean().optional() }),
  effect: 'read',
  run: ({ at }) => `seen ${at}`,
});
const looks = (...at: readonly string[]) => at.map((one) => ({ tool: 'look', arguments: { at: one } }));

endToEnd('the Responses API', (bench) => {
  const guide = bench.agent({
    api: 'responses',
    reasoning: { effort: 'low', summary: 'auto' },
    tools: [look],
    maxHistoryEvents: 30,
    maxOutputTokens: 9_000,
    script: [
      { text: 'Let me look.', calls: looks('the "open" {door}', 'the yard') },
      { calls: looks('the street') },
      'Nobody is there.',
      { calls: looks('the roof') },
      'Nobody is there, either.',
    ],
  });
  test('has several calls, answers and sessions, and gets its reasoning back', async () => {
    const handle = await bench.holdfast.start(guide.name, 'Look around.', {
      session: true,
      ...golden(bench.cached, 'responses'),
    });
    assert.equal((await handle.ask('Look outside.')).output, 'Nobody is there, either.');
    await handle.close();
    const { run, result } = await bench.finished(handle.workflowId);
    assert.equal(result.status, 'completed', result.reason ?? '');
    assert.deepEqual(toolTexts(run), ['seen the "open" {door}', 'seen the yard', 'seen the street', 'seen the roof']);
    assert.ok((await handle.histories()).length > 1, 'it has continued as new');
    assert.ok(run.usage.inputTokens > 0);
    assert.deepEqual(
      run.turns.map(({ attempts }) => attempts),
      [1, 1, 1, 1, 1],
    );

    const requests = bodiesFor(bench, guide);
    assert.ok(requests.every(({ error }) => error === null));
    const { input, ...first } = requests[0]!.body as Body;
    assert.deepEqual(input, [{ role: 'user', content: 'Look around.' }]);
    assert.deepEqual(
      {
        store: first['store'],
        include: first['include'],
        reasoning: first['reasoning'],
        max: first['max_output_tokens'],
      },
      {
        store: false,
        include: ['reasoning.encrypted_content'],
        reasoning: { effort: 'low', summary: 'auto' },
        max: 9_000,
      },
    );
    assert.match(String(first['instructions']), /You are/);
    assert.equal('messages' in first || 'stream_options' in first, false);
    assert.deepEqual(kinds(requests.at(-1)!.body as Body), [
      'user',
      'reasoning',
      'assistant',
      'function_call',
      'function_call',
      'function_call_output',
      'function_call_output',
      'reasoning',
      'function_call',
      'function_call_output',
      'reasoning',
      'assistant',
      'user',
      'reasoning',
      'function_call',
      'function_call_output',
    ]);
    // It is in the transcript, and in no text.
    assert.equal(
      run.transcript.some(({ content }) => content?.includes('has not thought')),
      false,
    );
    assert.ok(JSON.stringify(run.transcript).includes('has not thought'));
  });

  const mayor = bench.agent({
    api: 'responses',
    output: z.object({ city: z.string(), country: z.string() }),
    script: ['{"city":"Graz","country":"Austria"}'],
  });
  test('has output that fits a schema', async () => {
    const { result } = await bench.run(mayor);
    assert.deepEqual(result.value, { city: 'Graz', country: 'Austria' });
    const { text } = bodiesFor(bench, mayor)[0]!.body as { text: { format: { strict: boolean; name: string } } };
    assert.deepEqual([text.format.strict, text.format.name], [true, 'output']);
  });

  const refuses = bench.agent({ api: 'responses', script: [{ refusal: 'I do not do that.' }] });
  const cut = bench.agent({
    api: 'responses',
    tools: [look],
    script: ({ turn }) => (turn === 1 ? { calls: looks('the yard'), finishReason: 'length' } : 'Never.'),
  });
  test('has refusals, and answers that are cut off', async () => {
    const { result } = await bench.run(refuses);
    assert.deepEqual([result.status, result.reasonCode], ['refused', 'model_refused']);
    const { run } = await bench.run(cut);
    assert.equal(run.turns[0]?.calls.some(({ ok }) => ok) ?? false, false, 'a call that was cut off does not run');
  });

  const fails = bench.agent({
    api: 'responses',
    script: ({ attempt }) =>
      attempt === 1
        ? { fault: 'errorInStream', text: 'I begin, and' }
        : attempt === 2
          ? { fault: 'noEnd', text: 'I begin, and end without an end' }
          : { fault: 'notStreamed', text: 'Whole.' },
  });
  test('has errors within the stream, streams that break off, and whole answers', async () => {
    const { result, run } = await bench.run(fails);
    assert.equal(result.output, 'Whole.');
    assert.equal(run.turns[0]?.attempts, 3);
  });

  const masked = bench.agent({
    api: 'responses',
    tools: [look],
    script: [{ text: 'The code is 4711.', calls: looks('the yard') }, 'Nobody is there.'],
    afterModel: ({ text }) => ({ change: text.replace('4711', '…') }),
  });
  test('gets no reasoning back where a guardrail has changed the answer', async () => {
    const { result } = await bench.run(masked);
    assert.equal(result.status, 'completed', result.reason ?? '');
    const last = bodiesFor(bench, masked).at(-1)!.body as Body;
    assert.deepEqual(kinds(last), ['user', 'assistant', 'function_call', 'function_call_output']);
  });
});

const elsewhere = await startScriptedModel({
  scripts: { guide: [{ calls: looks('the yard') }, 'Nobody is there.'] },
  wire: 'openai',
});
after(() => elsewhere.close());

endToEnd(
  'a provider with the Responses API',
  (bench) => {
    const mixed = bench.agent({
      name: 'mixed',
      // The first one speaks Chat Completions, and knows no such script.
      model: [offlineModel('nobody'), `elsewhere:${offlineModel('guide')}`],
      tools: [look],
      script: [],
    });
    test('is asked through it, also in place of a model with the other API', async () => {
      const before = elsewhere.requests.length;
      const { run, result } = await bench.run(mixed);
      assert.equal(result.output, 'Nobody is there.', result.reason ?? '');
      assert.ok(run.turns.every(({ passedOver = [] }) => passedOver.length === 1));
      const asked = elsewhere.requests.slice(before);
      assert.deepEqual(
        asked.map(({ body, error }) => [kinds(body as Body), error]),
        [
          [['user'], null],
          [['user', 'reasoning', 'function_call', 'function_call_output'], null],
        ],
      );
    });
  },
  { providers: { elsewhere: { baseURL: elsewhere.baseURL, apiKey: 'key', api: 'responses' } } },
);
