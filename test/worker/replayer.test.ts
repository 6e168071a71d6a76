// A replay that does not match says what history has and what the code wants, at the task where they part; and one replayer
// replays whatever it is given, one history after another.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { eventId, type History, type HistoryEvent } from '../../core/read/history.ts';
import { historyFromJson } from '../../worker/historyJson.ts';
import { createReplayer, type Misfit, type Replayer } from '../../worker/replay/replayer.ts';
import { GOLDEN_FOLDER } from '../support/histories.ts';
import { quietLogs } from '../support/quiet.ts';

let replayer: Replayer;

before(async () => {
  quietLogs();
  replayer = await createReplayer();
});
after(() => replayer.close());

async function golden(name: string, edit: (text: string) => string = (text) => text): Promise<History> {
  return historyFromJson(edit(await readFile(new URL(`${name}.json`, GOLDEN_FOLDER), 'utf8')));
}

async function misfit(history: History): Promise<Misfit> {
  const outcome = await replayer.replay(history);
  assert.ok(!outcome.ok, 'it replays');
  return outcome;
}

const upTo = ({ events }: History, length: number): History => ({ events: events!.slice(0, length) });
const indexOf = ({ events }: History, is: (event: HistoryEvent) => unknown): number => events!.findIndex(is);

test('finds no difference in any golden history', async () => {
  const names = (await readdir(GOLDEN_FOLDER)).filter((name) => name.endsWith('.json'));
  for (const name of names)
    assert.deepEqual([name, await replayer.replay(await golden(name.slice(0, -'.json'.length)))], [name, { ok: true }]);
});

test('names the call, what history has there and what the code wants', async () => {
  const found = await misfit(await golden('one-of-four-fails', (text) => text.replace('"1.1"', '"1.7"')));
  const activity = found.activity;
  assert.deepEqual(
    { turn: found.turn, has: found.has, wants: found.wants },
    {
      turn: 1,
      has: { kind: 'activity', id: '1.7', name: activity, eventId: found.eventId },
      wants: { kind: 'activity', id: '1.1', name: activity },
    },
  );
  assert.match(found.problem, /^history has activity 1\.7 \(\w+\), and the code wants activity 1\.1 \(\w+\)$/);
  assert.match(found.sdk ?? '', /^Nondeterminism error/);
});

test('reports a command that history does not have at its task, though the SDK accepts it', async () => {
  const history = await golden('one-of-four-fails');
  // The run is as if it had waited, where the code asks the model again.
  const second = indexOf(history, (event) => event.activityTaskScheduledEventAttributes?.activityId === '2.model');
  const found = await misfit(upTo(history, second));
  const completed = history.events![second - 1]!;
  assert.ok(completed.workflowTaskCompletedEventAttributes);
  assert.deepEqual(
    { eventId: found.eventId, turn: found.turn, has: found.has, wants: found.wants, sdk: found.sdk },
    {
      eventId: eventId(completed.eventId),
      turn: 2,
      has: null,
      wants: { kind: 'activity', id: '2.model', name: 'callModel' },
      sdk: null,
    },
  );
});

test('replays a run up to the middle of what it was doing', async () => {
  const history = await golden('one-of-four-fails');
  const started = indexOf(history, (event) => event.activityTaskStartedEventAttributes);
  assert.deepEqual(await replayer.replay(upTo(history, started + 1)), { ok: true });
  assert.deepEqual(await replayer.replay(upTo(history, 1)), { ok: true }, 'no worker has begun it');
});

test('replays the next history after one that does not match', async () => {
  await misfit(await golden('five-turns', (text) => text.replaceAll('"2.model"', '"9.model"')));
  assert.deepEqual(await replayer.replay(await golden('five-turns')), { ok: true });
});

test('names the task in which the code throws', async () => {
  const found = await misfit(
    await golden('five-turns', (text) => text.replace('"name": "agent"', '"name": "no_such_workflow"')),
  );
  assert.match(found.problem, /no_such_workflow/);
});
