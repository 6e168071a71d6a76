// A tool is retried according to its effect and its policy, and only if a retry may help.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { defineTool, type ToolContext, ToolError } from '../../../activities/index.ts';
import { toolCalls } from '../../../core/read/run.ts';
import type { Effect } from '../../../core/types.ts';
import { endToEnd } from '../../support/bench.ts';
import { golden, toolTexts, toolValues } from '../../support/toolTexts.ts';
import { eventually, tally } from '../../support/waits.ts';

/** A tool that does as it is told, and retries without making the test wait. */
function tool(
  name: string,
  effect: Effect,
  run: (ctx: ToolContext, what: string) => unknown,
  retry: { attempts?: number } | null = {},
) {
  return defineTool({
    name,
    description: 'Does as it is told.',
    input: z.object({ what: z.string().default('') }),
    effect,
    ...(retry && effect !== 'once' && { retry: { initial: '1 ms', ...retry } }),
    run: ({ what }, ctx) => run(ctx, what),
  });
}

class HttpError extends Error {
  readonly status: number;
  readonly headers: Headers;
  constructor(status: number, headers: Record<string, string> = {}) {
    super(`status ${status}`);
    this.status = status;
    this.headers = new Headers(headers);
  }
}

endToEnd('retries', (bench) => {
  const tries = tally();
  const failing = (name: string, effect: Effect, retry?: { attempts?: number }) =>
    tool(
      name,
      effect,
      () => {
        throw new Error(`${name} failed, try ${tries.add(name)}`);
      },
      retry,
    );

  const effects = bench.agent({
    tools: [
      failing('reads', 'read'),
      failing('writes', 'idempotent'),
      failing('sends', 'once'),
      failing('twice', 'read', { attempts: 2 }),
      failing('four_times', 'idempotent', { attempts: 4 }),
      failing('never_again', 'read', { attempts: 1 }),
    ],
    script: [
      { calls: ['reads', 'writes', 'sends', 'twice', 'four_times', 'never_again'].map((name) => ({ tool: name })) },
      'Done.',
    ],
  });
  test('makes three attempts for read and idempotent, one for once, or as set', async () => {
    const { run } = await bench.run(effects, 'Go.', golden(bench.cached, 'attempts'));
    const expected = { reads: 3, writes: 3, sends: 1, twice: 2, four_times: 4, never_again: 1 };
    for (const [name, attempts] of Object.entries(expected)) assert.equal(tries.of(name), attempts, name);
    assert.deepEqual(
      toolCalls(run).map(({ attempts }) => attempts),
      Object.values(expected),
    );
    assert.deepEqual(toolValues(run)[4], { error: 'four_times failed, try 4', tool: 'four_times', kind: 'failed' });
  });

  const makers: Record<string, () => unknown> = {
    toolError: () => new ToolError('closed'),
    toolErrorRetry: () => new ToolError('busy', { retry: true }),
    toolErrorAfter: () => new ToolError('busy', { retryAfterMs: 5 }),
    typeError: () => new TypeError('x is not a function'),
    referenceError: () => new ReferenceError('x is not defined'),
    syntaxError: () => new SyntaxError('bad JSON'),
    noNetwork: () => new TypeError('fetch failed', { cause: new Error('ECONNREFUSED') }),
    status400: () => new HttpError(400),
    status404: () => new HttpError(404),
    status408: () => new HttpError(408),
    status429: () => new HttpError(429),
    status503: () => new HttpError(503),
    response404: () => Object.assign(new Error('not there'), { response: { status: 404 } }),
    response503: () => Object.assign(new Error('down'), { response: { status: 503, headers: { 'retry-after': '0' } } }),
    text: () => 'a text',
  };
  const thrower = tool('thrower', 'read', (_, what) => {
    tries.add(what);
    throw makers[what]!();
  });
  const kinds = bench.agent({
    tools: [thrower],
    script: [{ calls: Object.keys(makers).map((what) => ({ tool: 'thrower', arguments: { what } })) }, 'Done.'],
  });
  test('does not retry what cannot succeed', async () => {
    await bench.run(kinds);
    assert.deepEqual(Object.fromEntries(Object.keys(makers).map((what) => [what, tries.of(what)])), {
      toolError: 1,
      toolErrorRetry: 3,
      toolErrorAfter: 3,
      typeError: 1,
      referenceError: 1,
      syntaxError: 3,
      noNetwork: 3,
      status400: 1,
      status404: 1,
      status408: 3,
      status429: 3,
      status503: 3,
      response404: 1,
      response503: 3,
      text: 3,
    });
  });

  const asks: Record<string, () => Error> = {
    none: () => new HttpError(503),
    soon: () => new HttpError(503, { 'retry-after-ms': '7' }),
    seconds: () => new HttpError(429, { 'retry-after': '3' }),
    huge: () => new HttpError(429, { 'retry-after': '1000000' }),
    garbage: () => new HttpError(503, { 'retry-after': 'later' }),
    negative: () => new HttpError(503, { 'retry-after': '-3' }),
    tool: () => new ToolError('busy', { retryAfterMs: 10_000_000 }),
  };
  const busy = tool(
    'busy',
    'read',
    ({ attempt }, what) => {
      tries.add(what);
      if (attempt === 1) throw asks[what]!();
      return attempt;
    },
    { attempts: 2 },
  );
  const patient = bench.agent({
    tools: [busy],
    parallel: 10,
    script: [{ calls: Object.keys(asks).map((what) => ({ tool: 'busy', arguments: { what } })) }, 'Done.'],
  });
  test("honours Retry-After up to a minute, on the server's schedule", async () => {
    const handle = await bench.holdfast.start(patient.name, 'Go.');
    const waiting = await eventually(async () => {
      const { pendingActivities = [] } = (await handle.describe()).raw;
      // Calls with a Retry-After are waiting; the others have ended.
      return (
        pendingActivities?.length === 3 &&
        pendingActivities.every((activity) => activity.attempt === 2) &&
        pendingActivities
      );
    });
    const delays = waiting.map(({ scheduledTime, lastAttemptCompleteTime }) =>
      Math.round(Number(scheduledTime?.seconds) - Number(lastAttemptCompleteTime?.seconds)),
    );
    for (const delay of delays.sort((a, b) => a - b).slice(1)) assert.ok(Math.abs(delay - 60) <= 1, `${delay} s`);
    assert.ok(Math.abs(delays[0]! - 3) <= 1, `${delays[0]} s`);
    await handle.cancel();
    await handle.result();
  });

  const keys = new Map<string, string[]>();
  const contexts: unknown[] = [];
  const keyed = tool('keyed', 'idempotent', ({ attempt, idempotencyKey, timeoutMs, agent, workflowId }, what) => {
    keys.set(what, [...(keys.get(what) ?? []), idempotencyKey]);
    contexts.push({ attempt, timeoutMs, agent, workflowId });
    if (attempt < 2) throw new Error('again');
    return 'kept';
  });
  const keeps = bench.agent({
    tools: [keyed],
    script: [
      { calls: [{ tool: 'keyed', arguments: { what: 'a' } }] },
      { calls: ['a2', 'b'].map((what) => ({ tool: 'keyed', arguments: { what } })) },
      { calls: ['b', 'b'].map((what) => ({ tool: 'keyed', arguments: { what } })) },
      'Done.',
    ],
  });
  test('keeps the idempotency key over attempts, and changes it between calls', async () => {
    const id = `keys-${bench.mode}`;
    const { run } = await bench.run(keeps, 'Go.', { id });
    assert.deepEqual(toolTexts(run), ['kept', 'kept', 'kept', 'kept', 'kept']);
    assert.deepEqual(
      [...keys.values()].map((seen) => seen.length),
      [2, 2, 6],
    );
    assert.equal(new Set(keys.get('a')).size, 1);
    assert.equal(new Set([...keys.values()].flat()).size, 5);
    assert.match(keys.get('a')![0]!, new RegExp(`^${id}/${run.runId}/1\\.0/`));
    assert.deepEqual(
      contexts.slice(0, 2),
      [1, 2].map((attempt) => ({ attempt, timeoutMs: keyed.policy.timeoutMs, agent: keeps.name, workflowId: id })),
    );
  });
});
