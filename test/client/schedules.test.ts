// Schedules from a client: what they start, when, and what stops them.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { z } from 'zod';
import { defineTool } from '../../activities/index.ts';
import {
  connect,
  type Duration,
  InvalidSchedule,
  InvalidStart,
  type Overlap,
  ScheduleExists,
  ScheduleNotFound,
  TemporalUnreachable,
} from '../../client/index.ts';
import { startDevServer } from '../../worker/dev/devServer.ts';
import { endToEnd } from '../support/bench.ts';
import { type Counter, counter, eventually, type Gate, gate } from '../support/waits.ts';

endToEnd('schedules', (bench) => {
  const newId = (name: string) => `${name}-${randomUUID().slice(0, 8)}`;
  const schedules = () => bench.holdfast.schedules;

  /** An agent of one call, whose runs are counted as they begin, and end when the gate is opened. */
  function ticker({ begun = counter(), open = gate() }: { begun?: Counter; open?: Gate } = {}) {
    const tick = defineTool({
      name: 'tick',
      description: 'Counts, and waits.',
      input: z.object({}),
      effect: 'once',
      run: async () => {
        begun.add();
        await open.opened;
        return 'done';
      },
    });
    const agent = bench.agent({ tools: [tick], script: [{ calls: [{ tool: 'tick' }] }, 'ticked'] });
    return { agent: agent.name, begun, open };
  }
  function quickTicker() {
    const quick = ticker();
    quick.open.open();
    return quick;
  }

  const plain = quickTicker();
  test('starts the same run as a start', async () => {
    const id = newId('nightly');
    const input = 'Tick at night.';
    const cron = '0 3 * * 1-5';
    const added = await schedules().add(id, {
      agent: plain.agent,
      input,
      cron,
      timezone: 'Europe/Berlin',
      note: 'hi',
    });
    const { nextRunAtMs, ...rest } = added;
    assert.deepEqual(rest, {
      id,
      agent: plain.agent,
      input,
      when: cron,
      timezone: 'Europe/Berlin',
      overlap: 'skip',
      paused: false,
      note: 'hi',
      lastRun: null,
      runs: 0,
      skipped: 0,
    });
    const there = new Date(nextRunAtMs ?? 0).toLocaleTimeString('de-DE', { timeZone: 'Europe/Berlin' });
    assert.equal(there, '03:00:00');

    const scheduled = await schedules().run(id);
    assert.ok(scheduled);
    assert.match(scheduled.workflowId, new RegExp(`^${id}-\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$`));
    const { result, run, history } = await bench.finished(scheduled.workflowId);
    assert.deepEqual(
      { status: result.status, output: result.output, input: run.input },
      { status: 'completed', output: 'ticked', input },
    );
    assert.equal(plain.begun.value, 1);

    const started = await bench.holdfast.start(plain.agent, input);
    await started.result();
    const asTold = async (of: typeof started) => {
      const { type, taskQueue, memo, staticSummary } = await of.describe();
      // How long it took is each one's own.
      const { spend: _, ...same } = memo ?? {};
      return { type, taskQueue, memo: same, summary: await staticSummary() };
    };
    assert.deepEqual(await asTold(scheduled), await asTold(started));
    const inputOf = ({ events }: typeof history) =>
      events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.map(({ data }) => String(data));
    assert.deepEqual(inputOf(history), inputOf(await started.history()));

    const { lastRun, runs } = await schedules().get(id);
    assert.deepEqual(
      { workflowId: lastRun?.workflowId, runId: lastRun?.runId, runs },
      { workflowId: scheduled.workflowId, runId: run.runId, runs: 1 },
    );
    await schedules().remove(id);
  });

  const endless = bench.agent({ script: () => ({ calls: [{ tool: 'none' }] }), whenAllToolsFail: 'continue' });
  test('applies the limits of a start to its runs', async () => {
    const id = newId('limited');
    await schedules().add(id, { agent: endless.name, input: 'Go.', every: '7d', maxTurns: 2 });
    const run = await schedules().run(id);
    assert.ok(run);
    const { result } = await bench.finished(run.workflowId);
    assert.deepEqual({ status: result.status, turns: result.turns }, { status: 'max_turns', turns: 2 });
    await schedules().remove(id);
  });

  const interval = quickTicker();
  test('starts runs at an interval, each with its own id', async () => {
    const id = newId('interval');
    await schedules().add(id, { agent: interval.agent, input: 'Tick.', every: '1s' });
    const first = await eventually(async () => (await schedules().get(id)).lastRun);
    await interval.begun.until(2);
    const second = await eventually(async () => {
      const { lastRun } = await schedules().get(id);
      return lastRun?.workflowId !== first.workflowId && lastRun;
    });
    await schedules().remove(id);
    for (const { workflowId } of [first, second])
      assert.equal((await bench.finished(workflowId)).result.status, 'completed');
  });

  const slow = ticker();
  test('skips a run while one is open, even on a trigger', async () => {
    const id = newId('skip');
    await schedules().add(id, { agent: slow.agent, input: 'Tick.', every: '1s', overlap: 'skip' });
    await slow.begun.until(1);
    await eventually(async () => (await schedules().get(id)).skipped >= 2);
    assert.equal(await schedules().run(id), null);
    assert.deepEqual({ runs: (await schedules().get(id)).runs, begun: slow.begun.value }, { runs: 1, begun: 1 });
    slow.open.open();
    await slow.begun.until(2);
    assert.ok((await schedules().get(id)).runs >= 2);
    await schedules().remove(id);
  });

  const crowd = ticker();
  test('starts a second run while one is open with allow-all', async () => {
    const id = newId('crowd');
    await schedules().add(id, { agent: crowd.agent, input: 'Tick.', every: '1s', overlap: 'allow-all' });
    await crowd.begun.until(2);
    await schedules().remove(id);
    crowd.open.open();
  });

  const paused = quickTicker();
  const witness = quickTicker();
  test('starts nothing while paused except on a trigger, and resumes', async () => {
    const id = newId('paused');
    const other = newId('witness');
    await schedules().add(id, { agent: paused.agent, input: 'Tick.', every: '1s' });
    await schedules().add(other, { agent: witness.agent, input: 'Tick.', every: '1s' });
    await paused.begun.until(1);
    await schedules().pause(id, 'the ward is closed');
    const before = await schedules().get(id);
    assert.deepEqual(
      { paused: before.paused, note: before.note, nextRunAtMs: before.nextRunAtMs },
      { paused: true, note: 'the ward is closed', nextRunAtMs: null },
    );
    // The other one shows that its times have come.
    await witness.begun.until(witness.begun.value + 3);
    assert.equal((await schedules().get(id)).runs, before.runs);
    const run = await schedules().run(id);
    assert.equal((await run?.result())?.status, 'completed');
    assert.equal((await schedules().get(id)).runs, before.runs + 1);
    await schedules().resume(id);
    const after = await eventually(async () => {
      const now = await schedules().get(id);
      return now.runs > before.runs + 1 && now;
    });
    assert.deepEqual({ paused: after.paused, note: after.note }, { paused: false, note: 'resumed' });
    assert.ok(after.nextRunAtMs);
    // An empty note is a pause as well.
    await schedules().pause(id, '');
    assert.equal((await schedules().get(id)).paused, true);
    for (const each of [id, other]) await schedules().remove(each);
  });

  const removed = ticker();
  test('keeps an open run when it is removed', async () => {
    const id = newId('removed');
    await schedules().add(id, { agent: removed.agent, input: 'Tick.', every: '7d', paused: true });
    assert.equal((await schedules().get(id)).paused, true);
    const run = await schedules().run(id);
    await removed.begun.until(1);
    await eventually(async () => (await schedules().list()).some((listed) => listed.id === id));
    await schedules().remove(id);
    await eventually(async () => !(await schedules().list()).some((listed) => listed.id === id));
    removed.open.open();
    assert.equal((await run?.result())?.status, 'completed');
  });

  test('lists schedules of agents made elsewhere, and no others', async () => {
    const { client, taskQueue } = bench.holdfast;
    const [ours, theirs] = [newId('ours'), newId('theirs')];
    const make = (scheduleId: string, workflowType: string) =>
      client.schedule.create({
        scheduleId,
        spec: { intervals: [{ every: '1h', offset: '5m' }, { every: '7d' }] },
        action: { type: 'startWorkflow', workflowType, taskQueue, args: [{ agent: 7 }] },
      });
    const handles = [await make(theirs, 'other'), await make(ours, 'agent')];
    const found = await eventually(async () => (await schedules().list()).find(({ id }) => id === ours));
    assert.deepEqual({ agent: found.agent, when: found.when }, { agent: null, when: 'every 1h from 5m, every 7d' });
    assert.ok(!(await schedules().list()).some(({ id }) => id === theirs));
    for (const handle of handles) await handle.delete();
  });

  test('returns its times as they were given, or in numbers', async () => {
    const given = { agent: plain.agent, input: 'Tick.', paused: true };
    const told: readonly [string | number, string][] = [
      ['*/15 8-18/2 1,15 1-3 0', '*/15 8-18/2 1,15 1-3 0'],
      ['30 0 3 * * * 2090', '30 0 3 * * * 2090'],
      ['*/10 * * * * * *', '*/10 * * * * * *'],
      ['0 3 * * * 2090-2095', '0 3 * * * 2090-2095'],
      ['0 3 * JAN,DEC MON-FRI', '0 3 * 1,12 1-5'],
      ['@daily', '0 0 * * *'],
      ['90 s', 'every 90s'],
      ['1.5h', 'every 90m'],
      [3_600_000, 'every 1h'],
      ['7d', 'every 7d'],
      ['30 seconds', 'every 30s'],
      ['2 hours', 'every 2h'],
    ];
    for (const [text, when] of told) {
      const id = newId('times');
      const isCron = typeof text === 'string' && /[*@]/.test(text);
      const schedule = await schedules().add(id, {
        ...given,
        ...(isCron ? { cron: text } : { every: text as Duration }),
      });
      assert.equal(schedule.when, when);
      await schedules().remove(id);
    }
    const id = newId('never');
    const never = await schedules().add(id, { ...given, paused: false, cron: '0 0 31 2 *' });
    assert.equal(never.nextRunAtMs, null);
    await schedules().remove(id);
  });

  test('rejects each mistake with what to write instead', async () => {
    const id = newId('wrong');
    const { agent } = plain;
    const given = { agent, input: 'Tick.' };
    const invalid: [Parameters<ReturnType<typeof schedules>['add']>[1], RegExp][] = [
      [given, /cron expression .* or an interval .* one of the two/],
      [{ ...given, cron: '0 3 * * *', every: '1h' }, /one of the two/],
      [{ ...given, cron: '' }, /Invalid cron expression "": .*5-7 fields\. Use five fields: "0 3/],
      [{ ...given, cron: '61 3 * * *' }, /"61 3 \* \* \*": Minute is not in range/],
      [{ ...given, cron: '0 3 * * *', timezone: 'Mars/Base' }, /Invalid time zone Mars\/Base: .*"Europe\/Berlin"/],
      [{ ...given, cron: 'TZ=Mars/Base 0 3 * * *' }, /Mars\/Base.*"Europe\/Berlin"/],
      [{ ...given, every: '1h', timezone: 'UTC' }, /counted in UTC/],
      [{ ...given, every: 'soon' as Duration }, /"soon" is not a duration\. .*"1h"/],
      [{ ...given, every: '' as Duration }, /"" is not a duration/],
      [{ ...given, every: '0s' }, /whole number of seconds/],
      [{ ...given, every: -1_000 }, /whole number of seconds/],
      [{ ...given, every: 1_500 }, /1500 is not a whole number of seconds/],
      [{ ...given, every: '400d' }, /longer than a year/],
      [{ ...given, every: '1h', overlap: 'never' as Overlap }, /overlap policy "never".*: skip, buffer-one/],
      [{ ...given, every: '1h', catchup: '1s' }, /catch-up window "1s"/],
      [{ ...given, every: '1h', catchup: Number.POSITIVE_INFINITY }, /catch-up window/],
    ];
    for (const [options, says] of invalid)
      await assert.rejects(
        schedules().add(id, options),
        (error) => error instanceof InvalidSchedule && says.test(error.message),
        String(says),
      );
    const refused = (type: abstract new (...args: never) => Error, says: RegExp) => (error: unknown) =>
      error instanceof type && says.test(error.message);
    await assert.rejects(
      schedules().add(id, { agent, input: ' ', every: '1h' }),
      refused(InvalidStart, /input for .* is empty/),
    );
    await assert.rejects(
      schedules().add(id, { agent: '', input: 'x', every: '1h' }),
      refused(InvalidStart, /Pass the agent/),
    );
    for (const wrong of ['', 'x'.repeat(231)])
      await assert.rejects(schedules().add(wrong, { ...given, every: '1h' }), refused(InvalidSchedule, /1 to 230/));

    const { get, pause, resume, remove, run } = schedules();
    for (const ask of [get, pause, resume, remove, run])
      await assert.rejects(ask(id), refused(ScheduleNotFound, new RegExp(`no schedule "${id}"`)));

    await schedules().add(id, { ...given, every: '7d' });
    await assert.rejects(schedules().add(id, { ...given, every: '1h' }), refused(ScheduleExists, /already/));
    assert.equal((await schedules().get(id)).when, 'every 7d');
    await schedules().remove(id);
    await assert.rejects(schedules().remove(id), refused(ScheduleNotFound, /no schedule/));
  });

  // The SDK asks for 20 s before it gives up, whatever the cache mode of the workers.
  if (bench.cached)
    test('reports an unreachable server', async () => {
      const server = await startDevServer();
      const holdfast = await connect({ address: server.address, namespace: 'default' });
      await server.kill();
      const gone = (error: unknown) => error instanceof TemporalUnreachable && error.message.includes(server.address);
      const { list, pause, add } = holdfast.schedules;
      const asked = [list(), pause('any'), add('any', { agent: plain.agent, input: 'Tick.', every: '1h' })];
      await Promise.all(asked.map((answer) => assert.rejects(answer, gone)));
      await holdfast.close();
    });
});
