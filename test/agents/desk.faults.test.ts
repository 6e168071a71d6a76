// The desk fails as its README describes if a mark asks for it, and only then.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { ToolError } from '../../activities/index.ts';
import { desk } from '../../agents/desk/agent.ts';
import { FAULTS } from '../../agents/desk/faults.ts';
import { ask, callTool } from './play.ts';

const weather = (city: string, ctx?: { attempt?: number; signal?: AbortSignal }) =>
  callTool(desk.tools.get('fetch_weather'), { city }, ctx);
const PARIS = { city: 'Paris', temperature_c: 15, conditions: 'cloudy' };

test('lists every fault in the README, and no other', () => {
  const readme = readFileSync(new URL('../../agents/desk/README.md', import.meta.url), 'utf8');
  const listed = [...readme.matchAll(/^\| `!([a-z0-9-]+)/gm)].map(([, name]) => name);
  assert.deepEqual(listed.sort(), Object.keys(FAULTS).sort());
});

test('works without a mark, and reads other exclamations as text', async () => {
  assert.deepEqual(await weather('Paris'), PARIS);
  await assert.rejects(weather('Paris !constructor'), /No weather is known for Paris !constructor/);
});

test('throws every kind of value', async () => {
  await assert.rejects(weather('Paris !throw'), /as it was asked to/);
  await assert.rejects(weather('Paris !throw-huge'), (error: Error) => error.message.length === 10 * 1024 * 1024);
  await assert.rejects(weather('Paris !throw-circular'), (error: Error) => error.cause === error);
  const thrown = await Promise.allSettled([weather('Paris !throw-text'), weather('Paris !throw-undefined')]);
  assert.deepEqual(
    thrown.map((each) => each.status === 'rejected' && each.reason),
    ['a text, not an Error', undefined],
  );
});

test('hangs until it is aborted, or for ever', async () => {
  const stop = new AbortController();
  const hanging = weather('Paris !hang', { signal: stop.signal });
  const deaf = weather('Paris !deaf', { signal: stop.signal });
  stop.abort();
  await assert.rejects(hanging, { name: 'AbortError' });
  const first = await Promise.race([deaf, new Promise((resolve) => setImmediate(resolve, 'still hanging'))]);
  assert.equal(first, 'still hanging');
  await assert.rejects(weather('Paris !hang', { signal: AbortSignal.abort() }), { name: 'AbortError' });
});

test('answers late, even after an abort', async () => {
  assert.deepEqual(await weather('Paris !late:20', { signal: AbortSignal.abort() }), PARIS);
});

test('fails the first attempts only', async () => {
  await assert.rejects(weather('Paris !flaky'), /Attempt 1 failed/);
  await assert.rejects(weather('Paris !flaky:2', { attempt: 2 }), /attempt 3 will not/);
  assert.deepEqual(await weather('Paris !flaky:2', { attempt: 3 }), PARIS);
});

test('fails like HTTP', async () => {
  const failure = async (mark: string) => {
    const { retry, retryAfterMs } = (await weather(`Paris ${mark}`).catch((error) => error)) as ToolError;
    return { retry, retryAfterMs };
  };
  assert.deepEqual(await failure('!404'), { retry: false, retryAfterMs: undefined });
  assert.deepEqual(await failure('!429:3'), { retry: true, retryAfterMs: 3_000 });
  assert.deepEqual(await failure('!500'), { retry: true, retryAfterMs: undefined });
  assert.deepEqual(await weather('Paris !429:3', { attempt: 2 }), PARIS);
});

test('returns values that are not JSON', async () => {
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

test('calls everything at once, and reports results and failures', () => {
  const question = `Search for durable execution, how many patients and allergies are there, and the weather in Paris
    and Tokyo? search_web!throw`;
  const { calls } = ask(desk, question);
  assert.deepEqual(calls, [
    { tool: 'search_web', arguments: { query: 'durable execution !throw' } },
    { tool: 'query_database', arguments: { sql: 'SELECT count(*) AS patients FROM patients' } },
    { tool: 'query_database', arguments: { sql: 'SELECT count(*) AS allergies FROM allergies' } },
    { tool: 'fetch_weather', arguments: { city: 'paris' } },
    { tool: 'fetch_weather', arguments: { city: 'tokyo' } },
  ]);
  const { text } = ask(desk, question, [
    { tool: 'search_web', result: { error: 'failed, as it was asked to', tool: 'search_web', kind: 'failed' } },
    { tool: 'query_database', result: { rows: [{ patients: 48 }], count: 1 } },
    { tool: 'fetch_weather', result: 'sunny' },
  ]);
  assert.match(text ?? '', /^2 of 3 succeeded, 1 failed\./);
  assert.match(text ?? '', /\*\*search_web\*\* failed: failed, as it was asked to/);
  assert.match(text ?? '', /\*\*query_database\*\*: .*"patients":48/);
  assert.match(text ?? '', /\*\*fetch_weather\*\*: sunny/);
});

test('removes a mark from SQL before the statement is checked', async () => {
  const query = (sql: string) => callTool(desk.tools.get('query_database'), { sql });
  await assert.rejects(query('SELECT 1 !flaky'), /Attempt 1 failed/);
  await assert.rejects(query('DELETE !late:1'), /cannot parse/);
});

test('applies a mark to one tool or all, and ignores unknown ones', () => {
  const marked = (input: string) =>
    ask(desk, input).calls?.map(({ arguments: args }) => Object.values(args as object)[0]);
  assert.deepEqual(marked('weather in London !late:5'), ['london !late:5']);
  assert.deepEqual(marked('fetch_weather!429:2'), ['paris !429:2']);
  assert.deepEqual(marked('Search for hello !world!'), ['hello']);
  assert.deepEqual(marked('Run `SELECT 1 AS one`'), ['SELECT 1 AS one']);
  assert.deepEqual(marked('weather in Atlantis'), ['Atlantis']);
  assert.equal(marked('Sing!'), undefined);
});

test('does not fail for any result', () => {
  for (const result of [null, undefined, 42, 'text', [], {}, { error: null }, 'x'.repeat(1_000_000)])
    assert.ok((ask(desk, 'weather in Paris', [{ tool: 'fetch_weather', result }]).text ?? '').length < 2_000);
});

test('finds the page that matches best, and none for an empty query', async () => {
  const search = (query: string) => callTool(desk.tools.get('search_web'), { query }) as Promise<{ title: string }[]>;
  assert.equal((await search('how do idempotency keys work?'))[0]?.title, 'Idempotency keys explained');
  assert.deepEqual(await search('zzz'), []);
});
