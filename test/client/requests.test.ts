// The reader makes requests again of what histories have, and says what it cannot know.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { compactionRequests, requestDifference, requestOf } from '../../client/index.ts';
import { firstJson, type History } from '../../core/read/history.ts';
import { readRun } from '../../core/read/readRun.ts';
import type { Run, TurnRequest } from '../../core/read/run.ts';
import { historyFromJson } from '../../worker/historyJson.ts';
import { GOLDEN_FOLDER } from '../support/histories.ts';

const golden = async (name: string): Promise<History> =>
  historyFromJson(await readFile(new URL(`${name}.json`, GOLDEN_FOLDER), 'utf8'));
const links = await Promise.all(['requests.link-1', 'requests.link-2', 'requests.link-3', 'requests'].map(golden));
const whole = readRun(...links);

/** The run with another record of a turn. */
function recording(turn: number, change: Partial<NonNullable<TurnRequest['recorded']>>): Run {
  const turns = whole.turns.map((one) =>
    one.turn === turn
      ? { ...one, request: { ...one.request!, recorded: { ...one.request!.recorded!, ...change } } }
      : one,
  );
  return { ...whole, turns };
}

test('makes the requests of a release before', () => {
  // What is written on the wire may change in a release, but not what was.
  for (const { turn } of whole.turns) assert.deepEqual(requestOf(whole, turn).unknown, [], `turn ${turn}`);
  assert.ok(whole.turns.length > 10);
});

test('needs no other history for the requests of one', () => {
  for (const link of links) {
    const run = readRun(link);
    const asked = run.turns.filter(({ request }) => request !== null);
    assert.ok(asked.length > 0);
    for (const { turn } of asked) assert.deepEqual(requestOf(run, turn), requestOf(whole, turn));
  }
  assert.throws(() => requestOf(readRun(links.at(-1)!), 1), {
    code: 'turn_not_found',
    message: /has no turn 1\. It has turns? \d+.* The server no longer keeps turns 1 to \d+\./,
  });
});

test('has each message once, however many turns were sent it', () => {
  const sent = whole.turns.reduce((sum, { request }) => sum + request!.to - request!.from, 0);
  assert.ok(whole.messages.length < 40 && sent > 200, `${whole.messages.length} for ${sent}`);
  assert.deepEqual(Object.keys(whole.frames).length, 1);
});

test('says that an earlier release recorded no requests', async () => {
  const run = readRun(await golden('guard-changed-request'));
  const { body, isExact, unknown, api } = requestOf(run, 1);
  assert.deepEqual({ isExact, api, fields: Object.keys(body) }, { isExact: false, api: null, fields: ['messages'] });
  assert.match(unknown.join(), /recorded by an earlier release/);
  assert.deepEqual(body['messages'], run.transcript.slice(0, 2));
});

test('says so if what changed is not known, or not readable', () => {
  const cases: readonly (readonly [Run, RegExp])[] = [
    [recording(3, { pieces: null }), /too large to record/],
    [recording(3, { pieces: 'none' as never }), /too large to record/],
    [recording(3, { pieces: [{ before: ['a', 1] } as never] }), /too large to record/],
    [recording(3, { messages: 'another' }), /another release wrote them otherwise/],
    [recording(3, { frame: 'nowhere' }), /record of this request cannot be read/],
    [{ ...whole, frames: { [whole.turns[2]!.request!.recorded!.frame]: 'no frame' as never } }, /cannot be read/],
  ];
  for (const [run, why] of cases) {
    const { isExact, unknown, body } = requestOf(run, 3);
    assert.equal(isExact, false);
    assert.match(unknown.join(), why);
    assert.ok(Array.isArray(body['messages']));
  }
});

test('finds what was added, removed and changed', () => {
  const { body, ...of } = requestOf(whole, 2);
  const [system, ...messages] = body['messages'] as readonly object[];
  const other = { role: 'system', content: 'Others.' };
  const changed = {
    ...of,
    turn: 3,
    body: { ...body, temperature: 1, messages: [other, ...messages.slice(1), system] },
  };
  assert.deepEqual(requestDifference({ ...of, body }, changed), {
    from: 2,
    to: 3,
    fields: [{ field: 'temperature', after: 1 }],
    messages: [
      { is: 'added', messages: [other] },
      { is: 'removed', messages: [system, messages[0]] },
      { is: 'same', count: messages.length - 1 },
      { is: 'added', messages: [system] },
    ],
  });
});

test('says that a compaction has no recorded request', async () => {
  const run = readRun(await golden('compact-drop-oldest'));
  assert.throws(() => compactionRequests(run, 1), { name: 'RequestUnavailable', code: 'summary_not_recorded' });
  assert.throws(() => compactionRequests(run, 99), { code: 'compaction_not_found' });
});

test('reads no record of a summary that is none', async () => {
  const history = await golden('compact-summarise');
  const events = history.events ?? [];
  const at = events.findIndex(
    (event) => 'strategy' in Object(firstJson(event.activityTaskCompletedEventAttributes?.result)),
  );
  const done = events[at]!.activityTaskCompletedEventAttributes!;
  const data = Buffer.from(JSON.stringify({ ...(firstJson(done.result) as object), asked: { requests: 'all' } }));
  const [payload] = done.result!.payloads!;
  const changed = events.with(at, {
    ...events[at]!,
    activityTaskCompletedEventAttributes: { ...done, result: { payloads: [{ ...payload, data }] } },
  });
  assert.throws(() => compactionRequests(readRun({ ...history, events: changed }), 1), {
    code: 'summary_not_recorded',
  });
});
