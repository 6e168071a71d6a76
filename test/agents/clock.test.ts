// The clock calls its three tools at once, and answers from their results.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clock } from '../../agents/clock/agent.ts';
import { ask, callTool, play } from './play.ts';

const call = (tool: string, city: string) => callTool(clock.tools.get(tool), { city });

test('makes three calls in one turn, then writes one sentence', async () => {
  const { turns, output } = await play(clock, 'What time is it in new york, and how is the weather?');
  assert.deepEqual(turns, [
    ['get_time', 'get_date', 'get_weather'].map((tool) => ({ tool, arguments: { city: 'New York' } })),
  ]);
  assert.match(output, /^In New York, it is \d\d:\d\d, the date is \w+,? .*\d{4}, and the weather is 17 °C, clear\./);
});

test('has a time of its own for every city', async () => {
  const hour = async (city: string) => Number(((await call('get_time', city)) as { time: string }).time.slice(0, 2));
  assert.equal(((await hour('Tokyo')) - (await hour('São Paulo')) + 24) % 24, 12);
  assert.equal(await hour('mumbai'), await hour('Kolkata'));
});

test('returns an error that the model can read for an unknown city', async () => {
  await assert.rejects(call('get_time', 'Atlantis'), /No time zone is known for Atlantis/);
  await assert.rejects(call('get_weather', 'Nairobi'), /No weather is recorded for Nairobi/);
});

test('reports failures and the rest', () => {
  const { text } = ask(clock, 'Paris?', [
    { tool: 'get_time', result: { city: 'Paris', time: '12:34' } },
    { tool: 'get_date', result: { error: 'timed out after 30 seconds', tool: 'get_date', kind: 'timeout' } },
    { tool: 'get_weather', result: null },
  ]);
  assert.match(
    text ?? '',
    /it is 12:34, get_date failed \(timed out after 30 seconds\), and get_weather returned nothing/,
  );
  assert.match(ask(clock, 'Hello').text ?? '', /I am an offline script/);
});
