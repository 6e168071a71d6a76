// The output and exit codes of `schedule add`, `list`, `pause`, `resume`, `trigger` and `remove`.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { columnsOf } from '../../cli/terminal/columns.ts';
import { scheduleLines } from '../../cli/view/scheduleTable.ts';
import type { Schedule } from '../../client/index.ts';
import { type DevServer, startDevServer } from '../../worker/dev/devServer.ts';
import { eventually } from '../support/waits.ts';
import { type Ended, holdfast, type Started, start, stop, WARD } from './command.ts';

let server: DevServer;
let worker: Started;
const at = () => ['--address', server.address];
const schedule = (...args: string[]): Promise<Ended> => holdfast(['schedule', ...args, ...at()]);
const answer = async (...args: string[]) => {
  const ended = await schedule(...args, '--json');
  assert.deepEqual({ code: ended.code, stderr: ended.stderr }, { code: 0, stderr: '' });
  return JSON.parse(ended.stdout);
};

before(async () => {
  server = await startDevServer();
  worker = start(['worker', '--agents', WARD, ...at()]);
  await worker.line(/^Polling after/);
});
after(async () => {
  await stop(worker);
  await server.kill();
});

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

test('adds, triggers, pauses and removes a schedule, whose run completes', async () => {
  const none = await schedule('list');
  assert.deepEqual({ code: none.code, stdout: none.stdout }, { code: 0, stdout: '' });
  assert.match(none.stderr, /There are no schedules .* schedule add ID AGENT INPUT --cron/);
  assert.equal((await schedule('list', '--json')).stdout, '[]\n');

  const added = await schedule(
    'add',
    'round',
    'ward',
    'How is bed 7?',
    '--cron',
    '0 3 * * 1-5',
    '--timezone',
    'Asia/Tokyo',
  );
  assert.deepEqual({ code: added.code, stderr: added.stderr }, { code: 0, stderr: '' });
  assert.match(
    added.stdout,
    /^round runs ward, 0 3 \* \* 1-5 Asia\/Tokyo\. The next run is at \d{4}-.* 18:00:00Z\.\n$/,
  );

  const triggered = await schedule('trigger', 'round');
  assert.equal(triggered.code, 0);
  assert.match(triggered.stdout, /^round-\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n$/);
  const id = triggered.stdout.trim();
  assert.match(triggered.stderr, new RegExp(`watch ${id} --address`));
  const watched = await holdfast(['watch', id, '--json', ...at()]);
  assert.equal(watched.code, 0);
  assert.match(watched.stdout, /"status":"completed","output":"All is well\."/);

  const [listed] = await eventually(async () => {
    const schedules = await answer('list');
    return schedules.length > 0 && schedules;
  });
  const { nextRunAt, lastRun, ...rest } = listed;
  assert.match(nextRunAt, ISO);
  assert.match(lastRun.startedAt, ISO);
  assert.match(lastRun.runId, /^[0-9a-f-]{36}$/);
  assert.equal(lastRun.workflowId, id);
  assert.deepEqual(rest, {
    id: 'round',
    agent: 'ward',
    input: 'How is bed 7?',
    when: '0 3 * * 1-5',
    timezone: 'Asia/Tokyo',
    overlap: 'skip',
    paused: false,
    note: null,
    runs: 1,
    skipped: 0,
  });

  assert.equal((await schedule('pause', 'round', '--note', 'closed')).stdout, 'round is paused.\n');
  assert.match((await schedule('list')).stdout, /^round +ward +0 3 \* \* 1-5 Asia\/Tokyo +paused: closed +1 +round-/m);
  assert.match((await schedule('resume', 'round')).stdout, /^round is resumed\. The next run is at .* 18:00:00Z\.\n$/);
  const { paused, note, nextRunAt: never } = await answer('pause', 'round');
  assert.deepEqual({ paused, note, never }, { paused: true, note: 'paused', never: null });
  assert.equal((await answer('resume', 'round', '--note', 'open')).note, 'open');
  assert.equal((await schedule('remove', 'round')).stdout, 'round is removed.\n');
  assert.equal((await schedule('remove', 'round')).code, 2);
});

test('prints the added schedule with --json, and rejects an invalid one', async () => {
  const options = ['--every', '90s', '--overlap', 'buffer-one', '--catchup', '1d', '--paused', '--note', 'not yet'];
  const added = await holdfast(
    ['schedule', 'add', 'set', 'endless', '-', ...options, '--max-turns', '2', '--parallel', '1', '--json', ...at()],
    { input: 'from stdin' },
  );
  const { when, overlap, input, paused, note, nextRunAt } = JSON.parse(added.stdout);
  assert.deepEqual({ when, overlap, input }, { when: 'every 90s', overlap: 'buffer-one', input: 'from stdin' });
  assert.deepEqual({ paused, note, nextRunAt }, { paused: true, note: 'not yet', nextRunAt: null });
  const { workflowId } = await answer('trigger', 'set');
  const { code, stdout } = await holdfast(['watch', workflowId, '--json', ...at()]);
  assert.equal(code, 1);
  assert.match(stdout, /"status":"max_turns"/, '--max-turns holds in its runs');

  const waiting = await schedule('add', 'later', 'ward', 'x', '--every', '1h', '--paused');
  assert.match(waiting.stdout, /^later runs ward, every 1h\. It is paused\.$/m);
  const never = await schedule('add', 'never', 'ward', 'x', '--cron', '0 0 31 2 *');
  assert.match(never.stdout, /No time matches, so it never runs/);
});

test('exits with 1 for a trigger that an open run prevents, and says why', async () => {
  await answer('add', 'busy', 'sleeper', 'x', '--every', '7d');
  const { workflowId } = await answer('trigger', 'busy');
  const again = await schedule('trigger', 'busy');
  assert.deepEqual({ code: again.code, stdout: again.stdout }, { code: 1, stdout: '' });
  assert.match(again.stderr, /No run of busy was started: one is still open, and the overlap policy is skip\./);
  assert.deepEqual(JSON.parse((await schedule('trigger', 'busy', '--json')).stdout), { workflowId: null });
  assert.equal((await holdfast(['cancel', workflowId, ...at()])).code, 0);
});

test('exits with 2 for invalid input, with a line that says what to do', async () => {
  await schedule('add', 'there', 'ward', 'x', '--every', '1h', '--paused');
  const wrong: [string[], RegExp][] = [
    [[], /Commands:\n +add/],
    [['fly'], /unknown command 'fly'/],
    [['add', 'new', 'ward'], /missing required argument 'input'/],
    [['add', 'new', 'ward', 'x'], /cron expression .* or an interval/],
    [
      ['add', 'new', 'ward', 'x', '--cron', '0 3 * *'],
      /Invalid cron expression "0 3 \* \*": .* "0 3 \* \* 1-5" is 03:00/,
    ],
    [['add', 'new', 'ward', 'x', '--every', 'soon'], /"soon" is not a duration/],
    [['add', 'new', 'ward', 'x', '--every', '1h', '--overlap', 'both'], /Allowed choices are skip, buffer-one/],
    [['add', 'new', 'ward', ' ', '--every', '1h'], /input for ward is empty/],
    [['add', 'there', 'ward', 'x', '--every', '1h'], /A schedule "there" already exists/],
    [['pause', 'nobody'], /There is no schedule "nobody"\. List schedules with "npm run -s holdfast -- schedule list"/],
    [['resume', 'nobody'], /There is no schedule "nobody"/],
    [['trigger', 'nobody'], /There is no schedule "nobody"/],
    [['trigger', 'nobody', '--json'], /^\{"error":\{"code":"schedule_not_found",.*"facts":\{"id":"nobody"\}/],
    [['remove', 'nobody'], /There is no schedule "nobody"/],
  ];
  for (const [args, says] of wrong) {
    const { code, stdout, stderr } = await schedule(...args);
    assert.deepEqual({ args, code, stdout }, { args, code: 2, stdout: '' });
    assert.match(stderr, says);
    assert.doesNotMatch(stderr, /^ +at /m);
  }
});

const listed: Schedule = {
  id: 'the-report-of-the-night-for-ward-seven-and-eight',
  agent: 'clinic',
  input: 'x',
  when: '0 3 * * 1-5',
  timezone: 'Europe/Berlin',
  overlap: 'skip',
  paused: false,
  note: null,
  nextRunAtMs: Date.UTC(2026, 0, 8, 2),
  lastRun: { workflowId: 'report-2026-01-07T02:00:00Z', runId: 'r', startedAtMs: 0 },
  runs: 12,
  skipped: 0,
};

test('prints a table if it fits, and a few uncut lines each if not', () => {
  const schedules = [listed, { ...listed, id: 'evil\x1b[2J', lastRun: null, paused: true, note: 'bad\nnews' }];
  const wide = scheduleLines(schedules, null);
  assert.equal(wide.length, 3);
  assert.deepEqual(scheduleLines(schedules, 200), wide);
  assert.match(wide[2] ?? '', /^evil +clinic +0 3 \* \* 1-5 Europe\/Berlin +paused: bad news +12$/);
  const narrow = scheduleLines(schedules, 40);
  assert.ok(narrow.every((line) => columnsOf(line) <= 40));
  assert.ok(narrow.join('').replaceAll(' ', '').startsWith(`${listed.id}clinic03**1-5Europe/Berlinnext:2026-01-08`));
  assert.ok(narrow.includes('  runs: 12'));
  assert.ok(narrow.some((line) => line.includes('paused: bad news')));
  assert.ok(!narrow.join('').includes('\x1b'));
});
