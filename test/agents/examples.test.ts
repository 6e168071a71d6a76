// The example agents as they are served: five, with an optional latency, on consistent data.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { exampleData } from '../../agents/clinic/database/exampleData.ts';
import agents, { clinic, clock, desk, refunds, transfers } from '../../agents/index.ts';
import { callTool } from './play.ts';

test('has five examples, each with its own name', () => {
  assert.deepEqual(agents, [clinic, desk, clock, refunds, transfers]);
  assert.deepEqual(
    agents.map(({ name, tools }) => [name, tools.size]),
    [
      ['clinic', 6],
      ['desk', 3],
      ['clock', 3],
      ['refunds', 2],
      ['transfers', 2],
    ],
  );
  for (const agent of agents) assert.match(String(agent.instructions), /in one turn/);
});

test('reads the latency when a tool runs, for all tools or one', async (t) => {
  t.after(() => delete process.env.CLOCK_LATENCY_MS);
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const finished: string[] = [];
  for (const [said, expected] of [
    ['200,100', ['get_date', 'get_weather', 'get_time']],
    ['50', ['get_time', 'get_date', 'get_weather']],
  ] as const) {
    process.env.CLOCK_LATENCY_MS = said;
    finished.length = 0;
    const calls = [...clock.tools.values()].map(async (tool) => {
      await callTool(tool, { city: 'Paris' });
      finished.push(tool.name);
    });
    t.mock.timers.tick(200);
    await Promise.all(calls);
    assert.deepEqual(finished, expected);
  }
});

test('ends the latency with the call, and explains an invalid one', async (t) => {
  t.after(() => delete process.env.CLOCK_LATENCY_MS);
  const time = clock.tools.get('get_time');
  process.env.CLOCK_LATENCY_MS = '60000';
  const stop = new AbortController();
  const call = callTool(time, { city: 'Paris' }, { signal: stop.signal });
  stop.abort();
  await assert.rejects(call, { name: 'AbortError' });
  process.env.CLOCK_LATENCY_MS = 'soon';
  await assert.rejects(callTool(time, { city: 'Paris' }), /CLOCK_LATENCY_MS is "soon"/);
});

test('generates the same consistent data every time', () => {
  const data = exampleData();
  assert.deepEqual(data, exampleData());
  assert.equal(data.patients?.length, 48);
  for (const { result, reference_range, flag } of data.lab_results ?? []) {
    const [low, high] = String(reference_range).split('-').map(Number);
    const inside = Number(result) >= low! && Number(result) <= high!;
    assert.equal(flag === 'normal', inside, `${result} in ${reference_range} is ${flag}`);
    assert.ok(flag !== 'high' || Number(result) > high!);
    assert.ok(flag !== 'low' || Number(result) < low!);
  }
  for (const table of ['allergies', 'lab_results', 'prescriptions'])
    assert.ok(new Set(data[table]?.map(({ patient_id }) => patient_id)).size < 48, `somebody has no ${table}`);
});

test('does not keep a process alive with the embedded database', async () => {
  const module = new URL('../../agents/clinic/database/index.ts', import.meta.url);
  const code = `const { query } = await import('${module}'); console.log((await query('SELECT count(*) AS n FROM generate_series(1, 1000000)', []))[0].n);`;
  const { DATABASE_URL: _, ...env } = process.env;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], { env });
  assert.equal(stdout, '1000000\n');
});
