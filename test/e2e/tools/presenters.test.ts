// A presenter decides how the model reads a result: as JSON, as the head of a list, or as the author's text.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { defineTool, type Presenter, ToolError } from '../../../activities/index.ts';
import { RESULT_BYTES_MAX } from '../../../core/limits.ts';
import { endToEnd } from '../../support/bench.ts';
import { golden, toolTexts } from '../../support/toolTexts.ts';

function tool(name: string, value: unknown, present?: Presenter) {
  return defineTool({
    name,
    description: 'Returns a value.',
    input: z.object({}),
    effect: 'read',
    ...(present && { present }),
    run: () => value,
  });
}

endToEnd('a presenter', (bench) => {
  const agentOf = (tools: ReturnType<typeof tool>[], present?: Presenter) =>
    bench.agent({
      tools,
      ...(present && { present }),
      script: [{ calls: tools.map(({ name }) => ({ tool: name })) }, 'Done.'],
    });

  const pages = Array.from({ length: 23 }, (_, i) => ({ title: `Page ${i + 1}` }));
  const heads = pages.slice(0, 10).map(({ title }, i) => `${i + 1}. {"title":"${title}"}`);
  const lists = agentOf([
    tool('search_web', pages, 'list'),
    tool('search_one', { results: ['a page'] }, 'list'),
    tool('search_none', [], 'list'),
    tool('read_page', 'y'.repeat(5_000), 'list'),
    tool('read_object', { title: 'One', text: 'z'.repeat(5_000) }, 'list'),
    tool('long_items', ['w'.repeat(5_000), 'short'], 'list'),
  ]);
  test('list: shows what it is, how many, the first ten, and what was cut', async () => {
    const { run } = await bench.run(lists, 'Go.', golden(bench.cached, 'list-presenter'));
    const [web, one, none, page, object, long] = toolTexts(run);
    assert.equal(
      web,
      ['Results from search_web:', 'Found 23 items.', ...heads, '[cut: the first 10; 13 items more]'].join('\n'),
    );
    assert.equal(one, 'Results from search_one:\nFound 1 item.\n1. a page');
    assert.equal(none, 'Results from search_none:\nFound 0 items.');
    assert.equal(page, `Results from read_page:\n${'y'.repeat(2_000)}… [cut: the first 2,000 of 5,000 characters]`);
    assert.match(
      object!,
      /^Results from read_object:\n\{"title":"One","text":"z+… \[cut: the first 2,000 of [\d,]+ characters\]$/,
    );
    assert.match(long!, /^Results from long_items:\nFound 2 items\.\n1\. w{2000}… \[cut.*\n2\. short$/);
  });

  const own = agentOf(
    [
      tool('as_said', { n: 1 }, (value) => `n is ${(value as { n: number }).n}`),
      tool('as_json', { n: 2 }, 'json'),
      tool('as_agent', { n: 3 }),
      tool('too_long', 0, () => '€'.repeat(100_000)),
      tool('no_text', 0, (() => ({ not: 'a text' })) as unknown as Presenter),
      tool('throws', 0, () => {
        throw new ToolError('cannot be shown');
      }),
    ],
    (value) => `agent: ${JSON.stringify(value)}`,
  );
  test("function: prefers the tool's to the agent's, and stays bounded", async () => {
    const { run } = await bench.run(own);
    const told = toolTexts(run);
    assert.deepEqual(told.slice(0, 3), ['n is 1', '{"n":2}', 'agent: {"n":3}']);
    assert.ok(Buffer.byteLength(told[3]!) <= RESULT_BYTES_MAX);
    assert.match(told[3]!, /\[cut: the first [\d,]+ bytes of 300,000 bytes\]$/);
    assert.equal(told[4], '{"not":"a text"}');
    assert.equal(told[5], '0\n[unformatted, since the presenter failed: cannot be shown]');
  });

  const fails = defineTool({
    name: 'fails',
    description: 'Fails with a long text.',
    input: z.object({}),
    effect: 'once',
    present: 'list',
    run: () => {
      throw new ToolError('long '.repeat(600));
    },
  });
  const failing = agentOf([fails]);
  test('leaves error texts unchanged', async () => {
    const [told] = toolTexts((await bench.run(failing)).run);
    assert.deepEqual(JSON.parse(told!), { error: 'long '.repeat(600), tool: 'fails', kind: 'failed' });
  });
});
