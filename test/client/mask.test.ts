// A mask replaces what its rules name, everywhere in a history and by the same replacement, and the history still replays.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { type MaskRule, maskHistories } from '../../client/index.ts';
import type { History } from '../../core/read/history.ts';
import { readRun } from '../../core/read/readRun.ts';
import { historyFromJson, historyToJson } from '../../worker/historyJson.ts';
import { createReplayer, type Replayer } from '../../worker/replay/replayer.ts';
import { GOLDEN_FOLDER } from '../support/histories.ts';
import { quietLogs } from '../support/quiet.ts';

let replayer: Replayer;

before(async () => {
  quietLogs();
  replayer = await createReplayer();
});
after(() => replayer.close());

const names = (await readdir(GOLDEN_FOLDER)).filter((name) => name.endsWith('.json'));

async function golden(name: string): Promise<History> {
  return historyFromJson(await readFile(new URL(name, GOLDEN_FOLDER), 'utf8'));
}

/** Masks a copy, as it would be written to a file and read again. */
async function masked(history: History, rules: readonly MaskRule[]): Promise<History> {
  const copy = historyFromJson(historyToJson(history));
  await maskHistories([copy], rules);
  return historyFromJson(historyToJson(copy));
}

const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const payload = (value: unknown) => ({
  metadata: { encoding: new TextEncoder().encode('json/plain') },
  data: bytes(value),
});

/** A history of one event for each value. */
function historyWith(...values: unknown[]): History {
  return {
    events: values.map((value, at) => ({
      eventId: at + 1,
      activityTaskCompletedEventAttributes: { result: { payloads: [payload(value)] } },
    })),
  } as History;
}

async function maskedValues(values: readonly unknown[], rules: readonly MaskRule[]): Promise<unknown[]> {
  const history = historyWith(...values);
  await maskHistories([history], rules);
  return history.events!.map(({ activityTaskCompletedEventAttributes: done }) =>
    JSON.parse(new TextDecoder().decode(done!.result!.payloads![0]!.data!)),
  );
}

test('replays every golden history with each word replaced', async () => {
  for (const name of names) {
    const history = await masked(await golden(name), [{ match: '[\\p{L}\\p{N}]{3,}' }]);
    assert.deepEqual([name, await replayer.replay(history)], [name, { ok: true }]);
    const [before, after] = [readRun(await golden(name)), readRun(history)];
    assert.deepEqual(
      [after.status, after.turns.length, after.turns.map(({ calls }) => calls.map(({ tool, ok }) => [tool, ok]))],
      [before.status, before.turns.length, before.turns.map(({ calls }) => calls.map(({ tool, ok }) => [tool, ok]))],
    );
  }
});

test('leaves nothing of an input that a rule matches, in any golden history', async () => {
  let found = 0;
  for (const name of names) {
    const { input } = readRun(await golden(name));
    // Shorter ones are part of other words, and JSON is searched value by value.
    if (input.length < 8 || /^[[{]/.test(input)) continue;
    found++;
    const rules = [{ match: input.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&'), with: 'masked' }];
    // The id of the run, which stays, is that of its test.
    const { input: shown, output, transcript } = readRun(await masked(await golden(name), rules));
    assert.ok(!JSON.stringify([shown, output, transcript]).includes(JSON.stringify(input).slice(1, -1)), name);
  }
  assert.ok(found > 5, `${found} inputs`);
});

test('replaces a field at any depth, in JSON within a text, and its value everywhere else', async () => {
  const [first, second] = await maskedValues(
    [
      { text: JSON.stringify({ customer: { Email: 'ann@example.com', age: 41 } }) },
      { text: 'I wrote to ann@example.com and to bob@example.com.' },
    ],
    [{ key: 'email' }],
  );
  assert.deepEqual(first, { text: JSON.stringify({ customer: { Email: '[masked 1]', age: 41 } }) });
  assert.deepEqual(second, { text: 'I wrote to [masked 1] and to bob@example.com.' });
});

test('gives the same value the same replacement, and another value another', async () => {
  const texts = ['4111111111111111', '4222222222222222', 'again 4111111111111111'].map((text) => ({ text }));
  assert.deepEqual(
    await maskedValues(texts, [{ match: '\\d{16}', with: 'card {n}' }]),
    ['card 1', 'card 2', 'again card 1'].map((text) => ({ text })),
  );
});

test('finds a number in JSON', async () => {
  const value = { text: JSON.stringify({ card: 4111111111111111, year: 27 }) };
  const [found] = await maskedValues([value], [{ match: '\\d{16}', with: 'card {n}' }]);
  assert.deepEqual(found, { text: JSON.stringify({ card: 'card 1', year: 27 }) });
});

test('replaces what a path names, with any field or index for a star', async () => {
  const value = { text: JSON.stringify({ people: [{ name: 'Ann' }, { name: 'Bob' }], name: 'Eve' }) };
  const [found] = await maskedValues([value], [{ path: 'people.*.name', with: 'x' }]);
  assert.deepEqual(found, { text: JSON.stringify({ people: [{ name: 'x' }, { name: 'x' }], name: 'Eve' }) });
});

test('masks the texts of failures and why a run was terminated', async () => {
  const history = {
    events: [
      {
        activityTaskFailedEventAttributes: {
          failure: { message: 'no mail to ann', cause: { message: 'ann is away' } },
        },
      },
      { workflowExecutionTerminatedEventAttributes: { reason: 'ann asked for it' } },
    ],
  } as History;
  await maskHistories([history], [{ match: 'ann', with: 'x' }]);
  assert.doesNotMatch(JSON.stringify(history.events), /ann/);
});

test('ends a pattern that would search for ever', async () => {
  const startedMs = performance.now();
  await assert.rejects(
    maskedValues([{ text: `${'a'.repeat(60)}b` }], [{ match: '^(a+)+$' }]),
    /"\^\(a\+\)\+\$" was still searching after 10 s/,
  );
  assert.ok(performance.now() - startedMs < 60_000);
});

test('refuses rules that are none, and names the rule', async () => {
  for (const [rules, why] of [
    [[], /Expected a list of 1 to 1000 rules/],
    [{ key: 'email' }, /Expected a list/],
    [[{ key: 'email' }, {}], /Rule 2 needs exactly one of key, path and match/],
    [[{ key: 'email', match: 'x' }], /Rule 1 needs exactly one/],
    [[{ match: '(' }], /Rule 1 has a pattern that is not valid/],
    [[{ key: 7 }], /Rule 1 needs a text as its key/],
    [[{ key: 'email', whit: 'x' }], /unknown field "whit"/],
  ] as const)
    await assert.rejects(maskHistories([], rules as unknown as MaskRule[]), why);
});
