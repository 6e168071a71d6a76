// Whatever a tool returns or throws reaches the model as a faithful, bounded text, after one attempt.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { defineTool } from '../../../activities/index.ts';
import { ERROR_CHARS_MAX, RESULT_BYTES_MAX } from '../../../core/limits.ts';
import { toolCalls } from '../../../core/read/run.ts';
import { endToEnd } from '../../support/bench.ts';
import { ERRORS, VALUES } from '../../support/strangeValues.ts';
import { golden, toolTexts } from '../../support/toolTexts.ts';
import { tally } from '../../support/waits.ts';

endToEnd('a result', (bench) => {
  const times = tally();
  const values = defineTool({
    name: 'values',
    description: 'Returns any value.',
    input: z.object({ what: z.string() }),
    effect: 'idempotent',
    // Megabytes of results keep the one thread of a run in memory from its heartbeats.
    heartbeat: '25 s',
    run: ({ what }) => {
      times.add(what);
      return VALUES[what]!.make();
    },
  });
  const errors = defineTool({
    name: 'errors',
    description: 'Throws anything.',
    input: z.object({ what: z.string() }),
    effect: 'once',
    run: ({ what }) => {
      throw ERRORS[what]!.make();
    },
  });
  const callsOf = (tool: string, table: object) => Object.keys(table).map((what) => ({ tool, arguments: { what } }));

  const returns = bench.agent({ tools: [values], script: [{ calls: callsOf('values', VALUES) }, 'Done.'] });
  test('becomes bounded text in one attempt, of any kind and size', async () => {
    const { result, run } = await bench.run(returns);
    assert.deepEqual(
      { status: result.status, failedCalls: result.failedCalls },
      { status: 'completed', failedCalls: 0 },
    );
    const told = toolTexts(run);
    for (const [i, [what, { text }]] of Object.entries(VALUES).entries()) {
      assert.ok(Buffer.byteLength(told[i]!) <= RESULT_BYTES_MAX, `${what}: ${Buffer.byteLength(told[i]!)} bytes`);
      if (typeof text === 'string') assert.equal(told[i], text, what);
      else assert.match(told[i]!, text, what);
      assert.deepEqual(
        { times: times.of(what), attempts: toolCalls(run)[i]!.attempts },
        { times: 1, attempts: 1 },
        what,
      );
    }
  });

  const throws = bench.agent({
    tools: [errors],
    script: [{ calls: callsOf('errors', ERRORS) }, 'Done.'],
  });
  test('becomes a bounded error if it is thrown', async () => {
    const { result, run } = await bench.run(throws, 'Go.', golden(bench.cached, 'thrown'));
    assert.deepEqual(
      { status: result.status, failedCalls: result.failedCalls },
      { status: 'completed', failedCalls: Object.keys(ERRORS).length },
    );
    for (const [i, [what, { error }]] of Object.entries(ERRORS).entries()) {
      const told = JSON.parse(toolTexts(run)[i]!);
      assert.deepEqual({ tool: told.tool, kind: told.kind }, { tool: 'errors', kind: 'failed' }, what);
      assert.ok(told.error.length <= ERROR_CHARS_MAX + 100, what);
      if (typeof error === 'string') assert.equal(told.error, error, what);
      else assert.match(told.error, error, what);
    }
  });
});
