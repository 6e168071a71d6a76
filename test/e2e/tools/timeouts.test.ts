// A tool that hangs ends at its timeout, even if it ignores its signal, and leaves no trace in the worker.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { z } from 'zod';
import { defineTool, type ToolContext } from '../../../activities/index.ts';
import { toolCalls } from '../../../core/read/run.ts';
import type { Effect } from '../../../core/types.ts';
import { endToEnd } from '../../support/bench.ts';
import { golden, toolTexts, toolValues } from '../../support/toolTexts.ts';
import { counter, gate } from '../../support/waits.ts';

const SLOTS = 5;

interface Options {
  readonly effect?: Effect;
  readonly workerParallel?: number;
}

function tool(
  name: string,
  run: (ctx: ToolContext, hang: boolean) => unknown,
  { effect = 'read', ...rest }: Options = {},
) {
  return defineTool({
    name,
    description: 'Hangs.',
    input: z.object({ hang: z.boolean().default(true) }),
    effect,
    timeout: '1 s',
    ...(effect !== 'once' && { retry: { attempts: 1 } }),
    ...rest,
    run: ({ hang }, ctx) => run(ctx, hang),
  });
}

const timedOut = (name: string) => ({ error: 'timed out after 1 second', tool: name, kind: 'timeout' });
const never = () => new Promise(() => {});

endToEnd(
  'a timeout',
  (bench) => {
    const end = gate();
    const late = counter();
    const tools = [
      tool('listens', async ({ signal }) => {
        await once(signal, 'abort');
        throw signal.reason;
      }),
      tool('is_deaf', never),
      tool('is_late', async () => {
        await end.opened;
        late.add();
        return 'too late';
      }),
      tool('sends_mail', never, { effect: 'once' }),
    ];
    const hangs = bench.agent({ tools, script: [{ calls: tools.map(({ name }) => ({ tool: name })) }, 'Done.'] });
    test('reads the same for obedient, deaf and late tools, and unknown for once', async () => {
      const { result, run } = await bench.run(hangs, 'Go.', golden(bench.cached, 'timeouts'));
      assert.equal(late.value, 0);
      assert.deepEqual(toolValues(run), [
        timedOut('listens'),
        timedOut('is_deaf'),
        timedOut('is_late'),
        {
          error: 'timed out after 1 second; it may or may not have happened: check before you do it again',
          tool: 'sends_mail',
          kind: 'outcome_unknown',
        },
      ]);
      assert.equal(result.status, 'completed');
      end.open();
      await late.until(1);
      assert.deepEqual((await bench.holdfast.get(run.workflowId).read()).transcript, run.transcript);
    });

    const events: string[] = [];
    const listener = defineTool({
      name: 'listener',
      description: 'Hangs once.',
      input: z.object({}),
      effect: 'idempotent',
      timeout: '1 s',
      retry: { attempts: 2, initial: '1 ms' },
      run: async (_, { signal, attempt }) => {
        events.push(`${attempt} starts`);
        if (attempt === 2) return 'well';
        await once(signal, 'abort');
        events.push(`${attempt} is told to end`);
      },
    });
    const again = bench.agent({ tools: [listener], script: [{ calls: [{ tool: 'listener' }] }, 'Done.'] });
    test('aborts the tool at once, before the next attempt', async () => {
      const { run } = await bench.run(again);
      assert.deepEqual(events, ['1 starts', '1 is told to end', '2 starts']);
      assert.deepEqual(toolTexts(run), ['well']);
    });

    const started = counter();
    const crowd = tool('crowd', () => {
      started.add();
      return never();
    });
    const crowded = bench.agent({
      tools: [crowd],
      parallel: 20,
      script: [{ calls: Array.from({ length: 3 * SLOTS }, () => ({ tool: 'crowd' })) }, 'Done.'],
    });
    test('frees its permit, so that more deaf calls than permits all time out', async () => {
      const { run } = await bench.run(crowded);
      assert.equal(started.value, 3 * SLOTS);
      assert.deepEqual(
        toolValues(run),
        Array.from({ length: 3 * SLOTS }, () => timedOut('crowd')),
      );
    });

    const narrow = tool('narrow', (_, hang) => (hang ? never() : 'ran'), { workerParallel: 1 });
    const sendsOne = tool('sends_one', (_, hang) => (hang ? never() : 'sent'), { workerParallel: 1, effect: 'once' });
    const queues = bench.agent({
      tools: [narrow, sendsOne],
      script: [
        {
          calls: [
            ...[true, true, false].map((hang) => ({ tool: 'narrow', arguments: { hang } })),
            ...[true, false].map((hang) => ({ tool: 'sends_one', arguments: { hang } })),
          ],
        },
        'Done.',
      ],
    });
    test('excludes the wait for workerParallel', async () => {
      const { run } = await bench.run(queues);
      const told = toolCalls(run).map(({ kind, text }) => kind ?? text);
      // The server chooses which of a tool's calls runs first; two waited longer than they may run.
      assert.deepEqual(told.slice(0, 3), ['timeout', 'timeout', 'ran']);
      assert.deepEqual(told.slice(3), ['outcome_unknown', 'sent']);
    });
  },
  { temporal: { maxConcurrentActivityTaskExecutions: SLOTS } },
);
