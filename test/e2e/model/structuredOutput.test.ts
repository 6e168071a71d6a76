// Structured output: requested as a strict schema, or in words if the server takes none; checked, repaired at most twice, and
// returned as the result's value.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { z } from 'zod';
import { asTool, defineTool } from '../../../activities/index.ts';
import type { ScriptedRequest } from '../../../activities/testing/index.ts';
import { endToEnd } from '../../support/bench.ts';
import { conversation, golden, toolTexts } from '../../support/toolTexts.ts';

const Triage = z.object({
  priority: z.enum(['low', 'high']),
  due: z.iso.date().transform((day) => new Date(day)),
  note: z.string().max(100).nullable(),
  related: z.array(z.object({ id: z.int() })),
});
const right = { priority: 'high', due: '2031-04-05', note: null, related: [{ id: 7 }] };
const value = { ...right, due: '2031-04-05T00:00:00.000Z' };

endToEnd('structured output', (bench) => {
  const look = defineTool({
    name: 'look',
    description: 'Looks.',
    input: z.object({}),
    effect: 'read',
    run: () => 'It leaks.',
  });
  const formats: Record<string, ScriptedRequest['format'][]> = {};
  const seen = ({ agent, format }: ScriptedRequest) => {
    formats[agent] = [...(formats[agent] ?? []), format];
  };

  const triage = bench.agent({
    tools: [look],
    output: Triage,
    script: (request) => {
      seen(request);
      return request.turn === 1 ? { text: 'Let me look.', calls: [{ tool: 'look' }] } : { value: right };
    },
  });
  test('sends the schema with every request, and parses the last answer', async () => {
    const { result, run } = await bench.run(triage, 'It is wet.', golden(bench.cached, 'structured'));
    assert.equal(result.status, 'completed');
    assert.deepEqual(result.value, value);
    assert.equal(result.output, JSON.stringify(right));
    assert.deepEqual(run.value, value);
    assert.equal(formats[triage.name]?.length, 2);
    for (const format of formats[triage.name] ?? [])
      assert.deepEqual({ name: format?.name, strict: format?.strict }, { name: 'output', strict: true });
    assert.equal(
      bench.model.requests.filter(({ agent }) => agent === triage.name).every(({ error }) => !error),
      true,
    );
    const typed = await (await bench.holdfast.get<typeof typedTriage>(run.workflowId)).result();
    assert.equal(typed.value?.related[0]?.id, 7);
  });
  // Only for its type: agents of the bench do not keep theirs.
  const typedTriage = { outputType: undefined as z.output<typeof Triage> | undefined };

  const mending = bench.agent({
    output: Triage,
    script: [
      'High, I think.',
      { value: { ...right, priority: 'urgent' } },
      { text: `\`\`\`json\n${JSON.stringify(right)}\n\`\`\`` },
    ],
  });
  test('sends a mismatch back, up to the third answer', async () => {
    const { result, run } = await bench.run(mending, 'Go.', golden(bench.cached, 'structured-repaired'));
    assert.deepEqual(
      { status: result.status, value: result.value, turns: result.turns },
      { status: 'completed', value, turns: 3 },
    );
    const told = conversation(run).flatMap(({ role, content }) => (role === 'user' ? [content ?? ''] : []));
    assert.equal(told.length, 3);
    assert.match(told[1] ?? '', /does not fit the schema: it is not valid JSON/);
    assert.match(told[2] ?? '', /does not fit the schema: priority: /);
  });

  const hopeless = bench.agent({ output: Triage, script: () => ({ value: { priority: 'urgent' } }) });
  test('ends as invalid_output with the problem and the last answer', async () => {
    const { result } = await bench.run(hopeless, 'Go.', golden(bench.cached, 'structured-invalid'));
    assert.equal(result.status, 'invalid_output');
    assert.match(result.reason ?? '', /3 times in a row: .*priority: /);
    assert.equal(result.output, '{"priority":"urgent"}');
    assert.ok(!('value' in result));
    assert.equal(bench.model.countRequests(hopeless.name), 3);
  });

  const lastCall = bench.agent({
    tools: [look],
    output: Triage,
    script: ['What?', { calls: [{ tool: 'look' }] }, 'What?', 'What?', { value: right }],
  });
  test('does not count a turn with calls as a failed repair', async () => {
    const { result } = await bench.run(lastCall);
    assert.deepEqual({ status: result.status, value: result.value }, { status: 'completed', value });
  });

  const loose = bench.agent({
    output: z.object({ title: z.string().optional(), extra: z.record(z.string(), z.int()) }),
    script: (request) => {
      seen(request);
      return { value: { extra: { a: 1 } } };
    },
  });
  test('checks a schema that strict mode cannot express', async () => {
    const { result } = await bench.run(loose);
    assert.deepEqual(result.value, { extra: { a: 1 } });
    assert.deepEqual(
      formats[loose.name]?.map((format) => format?.strict),
      [false],
    );
  });

  const old = bench.agent({
    output: Triage,
    script: (request) => {
      seen(request);
      if (request.format)
        return {
          fault: 'status',
          status: 400,
          body: {
            error: {
              message: "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.",
              type: 'invalid_request_error',
              param: null,
              code: null,
            },
          },
        };
      const [system] = request.messages;
      return system?.content?.includes('"enum":["low","high"]') ? { value: right } : 'I was told of no schema.';
    },
  });
  test('describes the schema in words to a server that does not accept it', async () => {
    const first = await bench.run(old, 'Go.', golden(bench.cached, 'structured-in-words'));
    const second = await bench.run(old);
    for (const { result, run } of [first, second]) {
      assert.deepEqual(
        { status: result.status, value: result.value, attempts: run.turns[0]?.attempts },
        { status: 'completed', value, attempts: 1 },
      );
      assert.equal(run.transcript[0]?.content, `You are ${old.name}.`, 'the words are for the request only');
    }
    assert.deepEqual(
      formats[old.name]?.map((format) => format !== null),
      [true, false, false],
    );
  });

  const guarded = bench.agent({
    output: Triage,
    afterModel: ({ text }) => ({ change: text.replace('urgent', 'high') }),
    script: [{ value: { ...right, priority: 'urgent' } }],
  });
  test('checks the answer that a guardrail changed', async () => {
    const { result } = await bench.run(guarded);
    assert.deepEqual({ status: result.status, value: result.value }, { status: 'completed', value });
  });

  const chatty = bench.agent({
    output: Triage,
    // It is followed by the message that says what was wrong.
    script: ({ input, messages }) =>
      messages.findLastIndex(({ content }) => content === 'Muddle.') >
      messages.findLastIndex(({ content }) => content === 'Two.')
        ? 'Hm.'
        : { value: { ...right, note: input } },
  });
  test('has a value or a failure for every message of a session', async () => {
    const id = golden(bench.cached, 'structured-session').id ?? `structured-session-${randomUUID()}`;
    const handle = await bench.holdfast.start<typeof typedTriage>(chatty.name, '', { id, session: true });
    const one = await handle.ask('One.');
    const muddled = await handle.ask('Muddle.');
    const two = await bench.holdfast.get(id).ask('Two.');
    assert.deepEqual(
      { oneValue: one.value, twoValue: two.value },
      { oneValue: { ...value, note: 'One.' }, twoValue: { ...value, note: 'Two.' } },
    );
    assert.deepEqual(
      { status: muddled.status, value: muddled.value, output: muddled.output },
      { status: 'invalid_output', value: undefined, output: null },
    );
    assert.match(muddled.reason ?? '', /not valid JSON/);
    await handle.close();
    const { result } = await bench.finished(id);
    assert.equal(result.status, 'completed');
  });

  const finder = bench.agent({
    output: z.object({ found: z.array(z.string()) }),
    script: [{ text: '```json\n{"found":["a leak"]}\n```' }],
  });
  const lost = bench.agent({ output: z.object({ found: z.array(z.string()) }), script: () => 'Nothing at all.' });
  const asking = bench.agent({
    tools: [
      asTool(finder, { name: 'find', description: 'Finds.' }),
      asTool(lost, { name: 'lose', description: 'Loses.' }),
    ],
    script: [
      { calls: ['find', 'lose'].map((tool) => ({ tool, arguments: { input: 'A leak.' } })) },
      ({ results }) => JSON.stringify(results[0]?.result),
    ],
  });
  test("passes a sub-agent's value to its parent, or an error without one", async () => {
    const { result, run } = await bench.run(asking, 'Go.', golden(bench.cached, 'structured-sub-agent'));
    const [found, failed] = toolTexts(run);
    assert.equal(found, '{"found":["a leak"]}');
    assert.match(failed ?? '', /the sub-agent ended as invalid_output: .*not valid JSON/);
    assert.equal(result.output, '{"found":["a leak"]}');
  });
});
