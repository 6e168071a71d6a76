// The desk fails in the ways of its README when a mark asks it to, and only then.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import type { ToolError } from '../../activities/index.ts';
import { closeDatabase } from '../../agents/clinic/database/index.ts';
import { desk } from '../../agents/desk/agent.ts';
import { FAULTS } from '../../agents/desk/faults.ts';
import { ask, callTool, play } from './play.ts';

const weather = (city: string, ctx?: { attempt?: number; signal?: AbortSignal }) =>
  callTool(desk.tools.get('fetch_weather'), { city }, ctx);
const PARIS = { city: 'Paris', temperature_c: 15, conditions: 'cloudy' };

after(closeDatabase);

test('the README lists every fault, and no other', () => {
  const readme = readFileSync(new URL('../../agents/desk/README.md', import.meta.url), 'utf8');
  const listed = [...readme.matchAll(/^\| `!([a-z0-9-]+)/gm)].map(([, name]) => name);
  assert.deepEqual(listed.sort(), Object.keys(FAULTS).sort());
});

test('without a mark the tools work, and other exclamations are text', async () => {
  assert.deepEqual(await weather('Paris'), PARIS);
  await assert.rejects(weather('Paris !constructor'), /No weather is known for Paris !constructor/);
  const patients = { sql: 'SELECT count(*) AS n FROM patients WHERE 1 != 2' };
  assert.deepEqual(await callTool(desk.tools.get('query_database'), patients), { rows: [{ n: 48 }], count: 1 });
});

test('throws whatever can be thrown', async () => {
  await assert.rejects(weather('Paris !throw'), /as it was asked to/);
  await assert.rejects(weather('Paris !throw-huge'), (error: Error) => error.message.length === 10 * 1024 * 1024);
  await assert.rejects(weather('Paris !throw-circular'), (error: Error) => error.cause === error);
  const thrown = await Promise.allSettled([weather('Paris !throw-text'), weather('Paris !throw-undefined')]);
  assert.deepEqual(
    thrown.map((each) => each.status === 'rejected' && each.reason),
    ['a text, not an Error', undefined],
  );
});

test('hangs until it is told to stop, or for ever', async () => {
  const stop = new AbortController();
  const hanging = weather('Paris !hang', { signal: stop.signal });
  const deaf = weather('Paris !deaf', { signal: stop.signal });
  stop.abort();
  await assert.rejects(hanging, { name: 'AbortError' });
  const first = await Promise.race([deaf, new Promise((resolve) => setImmediate(resolve, 'still hanging'))]);
  assert.equal(first, 'still hanging');
  await assert.rejects(weather('Paris !hang', { signal: AbortSignal.abort() }), { name: 'AbortError' });
});

test('answers late, whatever the signal says', async () => {
  assert.deepEqual(await weather('Paris !late:20', { signal: AbortSignal.abort() }), PARIS);
});

test('fails the first attempts only', async () => {
  await assert.rejects(weather('Paris !flaky'), /Attempt 1 failed/);
  await assert.rejects(weather('Paris !flaky:2', { attempt: 2 }), /attempt 3 will not/);
  assert.deepEqual(await weather('Paris !flaky:2', { attempt: 3 }), PARIS);
});

test('fails as HTTP does', async () => {
  const failure = async (mark: string) => {
    const { retry, retryAfterMs } = (await weather(`Paris ${mark}`).catch((error) => error)) as ToolError;
    return { retry, retryAfterMs };
  };
  assert.deepEqual(await failure('!404'), { retry: false, retryAfterMs: undefined });
  assert.deepEqual(await failure('!429:3'), { retry: true, retryAfterMs: 3_000 });
  assert.deepEqual(await failure('!500'), { retry: true, retryAfterMs: undefined });
  assert.deepEqual(await weather('Paris !429:3', { attempt: 2 }), PARIS);
});

test('returns what is no JSON', async () => {
  const result = async (mark: string) => (await weather(`Paris ${mark}`)) as Record<string, unknown>;
  assert.equal((await result('!huge')).length, 10 * 1024 * 1024);
  assert.equal(await result('!undefined'), undefined);
  const circular = await result('!circular');
  assert.equal(circular.self, circular);
  assert.equal(typeof (await result('!bigint')).big, 'bigint');
  assert.equal((await result('!nan')).not_a_number, Number.NaN);
  assert.equal(typeof (await result('!function')), 'function');
  assert.equal(typeof (await result('!symbol')), 'symbol');
  assert.ok((await result('!map')) instanceof Map);
  assert.equal(JSON.stringify(await result('!to-json')), undefined);
  const getter = await result('!getter');
  assert.throws(() => getter.broken);
  assert.match(String(await result('!html')), /^<!doctype html>/);
});

test('the script asks for everything at once, and reports results and failures', async () => {
  const question = `Search for durable execution, how many patients and allergies are there, and the weather in Paris,
    Tokyo and Atlantis? search_web!throw`;
  const { turns, output } = await play(desk, question.replace('and Atlantis', ''));
  assert.deepEqual(turns, [
    [
      { tool: 'search_web', arguments: { query: 'durable execution !throw' } },
      { tool: 'query_database', arguments: { sql: 'SELECT count(*) AS patients FROM patients' } },
      { tool: 'query_database', arguments: { sql: 'SELECT count(*) AS allergies FROM allergies' } },
      { tool: 'fetch_weather', arguments: { city: 'paris' } },
      { tool: 'fetch_weather', arguments: { city: 'tokyo' } },
    ],
  ]);
  assert.match(output, /^4 of 5 answered, 1 failed\./);
  assert.match(output, /\*\*search_web\*\* failed: The tool failed, as it was asked to\./);
  assert.match(output, /\*\*query_database\*\*: .*"patients":48/);
});

test('a mark without a tool is for all, a mark with one is worth a call, an unknown one is nothing', () => {
  const marked = (input: string) =>
    ask(desk, input).calls?.map(({ arguments: args }) => Object.values(args as object)[0]);
  assert.deepEqual(marked('weather in London !late:5'), ['london !late:5']);
  assert.deepEqual(marked('fetch_weather!429:2'), ['paris !429:2']);
  assert.deepEqual(marked('Search for hello !world!'), ['hello']);
  assert.deepEqual(marked('Run `SELECT 1 AS one`'), ['SELECT 1 AS one']);
  assert.deepEqual(marked('weather in Atlantis'), ['Atlantis']);
  assert.equal(marked('Sing!'), undefined);
});

test('no result can make the script fail', () => {
  for (const result of [null, undefined, 42, 'text', [], {}, { error: null }, 'x'.repeat(1_000_000)])
    assert.ok((ask(desk, 'weather in Paris', [{ tool: 'fetch_weather', result }]).text ?? '').length < 2_000);
});

test('a search finds the page that fits best, and nothing for nothing', async () => {
  const search = (query: string) => callTool(desk.tools.get('search_web'), { query }) as Promise<{ title: string }[]>;
  assert.equal((await search('how do idempotency keys work?'))[0]?.title, 'Idempotency keys explained');
  assert.deepEqual(await search('zzz'), []);
});
