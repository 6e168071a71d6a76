// What the console's page works out by itself: the time axis, the form for arguments, and what it shows of them.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import fc from 'fast-check';
import { editable, fieldsOf, fromFields } from '../../cli/console/page/lists/fields.ts';
import { axisOf, movedTo, panned, WHOLE, zoomed } from '../../cli/console/page/run/axis.ts';
import { busyIn, type OpenRuns, rowsOf, type ShownRun } from '../../cli/console/page/run/rows.ts';
import { MOVES } from '../../cli/console/page/run/stepMoves.ts';
import { duration, oneLine, pretty } from '../../cli/console/page/words.ts';
import { headOf, turnView } from '../../cli/console/runView.ts';
import type { StepHead } from '../../cli/console/steps.ts';
import { readRun } from '../../core/read/readRun.ts';
import { historiesFromJson } from '../../worker/historyJson.ts';
import { GOLDEN_FOLDER } from '../support/histories.ts';

test('draws busy times in proportion, and makes long idle ones short', () => {
  const whole = { fromMs: 0, toMs: 101_000 };
  const busy = [
    { fromMs: 0, toMs: 500 },
    { fromMs: 100_500, toMs: 101_000 },
  ];
  const { place, gaps } = axisOf(whole, busy);
  assert.deepEqual(
    gaps.map(({ fromMs, toMs }) => [fromMs, toMs]),
    [[500, 100_500]],
  );
  assert.ok(place(500) > 0.45 && place(100_500) < 0.55, 'the idle time takes less than a tenth');
  assert.equal(place(250) / place(500), 0.5);
  assert.deepEqual([place(-5), place(0), place(101_000), place(200_000)], [0, 0, 1, 1]);
});

test('keeps the order of times, whatever ran when', () => {
  const time = fc.integer({ min: -1_000, max: 1_000_000 });
  const spans = fc.array(fc.tuple(time, time).map(([a, b]) => ({ fromMs: Math.min(a, b), toMs: Math.max(a, b) })));
  fc.assert(
    fc.property(spans, fc.array(time), fc.integer({ min: 1, max: 900_000 }), (busy, times, toMs) => {
      const { place } = axisOf({ fromMs: 0, toMs }, busy);
      const places = times.toSorted((a, b) => a - b).map(place);
      for (const [at, one] of places.entries()) {
        assert.ok(one >= 0 && one <= 1, `${one}`);
        assert.ok(at === 0 || one >= places[at - 1]! - 1e-9, `${places}`);
      }
    }),
  );
});

test('zooms about a place that stays, and never leaves the axis', () => {
  const part = fc.double({ min: 0, max: 1, noNaN: true });
  const factor = fc.double({ min: 0.1, max: 10, noNaN: true });
  const moves = fc.array(fc.tuple(fc.constantFrom('zoom', 'pan', 'move'), factor, part));
  fc.assert(
    fc.property(moves, (made) => {
      let view = WHOLE;
      for (const [what, by, at] of made) {
        if (what === 'zoom') view = zoomed(view, by, view.from + at * (view.to - view.from));
        else view = what === 'pan' ? panned(view, by - 5) : movedTo(view.to - view.from, at);
        assert.ok(view.from >= 0 && view.to <= 1 + 1e-9 && view.to > view.from, JSON.stringify(view));
      }
    }),
  );
  const near = zoomed(WHOLE, 2, 0.5);
  assert.deepEqual(near, { from: 0.25, to: 0.75 });
  assert.deepEqual(zoomed(near, 0.5, 0.5), WHOLE);
  assert.deepEqual(panned(near, 10), { from: 0.5, to: 1 });
});

test('leads from step to step, and nowhere from the ends', () => {
  const step = (call: string | null, more: Partial<StepHead> = {}): StepHead => ({
    ...{ title: '', atMs: 0, turn: 1, call, ...more },
  });
  const steps = [
    step(null),
    step(null, { begins: true }),
    step('1.0'),
    step('1.1'),
    step('1.1', { failed: true }),
    step(null, { begins: true }),
  ];
  const led = (at: number) => Object.fromEntries(MOVES.map(({ key, to }) => [key, to(steps, at)]));
  assert.deepEqual(led(0), { T: -1, C: -1, h: -1, l: 1, c: 2, t: 1, f: 4 });
  assert.deepEqual(led(3), { T: 1, C: 2, h: 2, l: 4, c: -1, t: 5, f: 4 });
  assert.deepEqual(led(5), { T: 1, C: 4, h: 4, l: -1, c: -1, t: -1, f: 4 });
});

test('has the rows of a sub-agent under its call, while it is open', async () => {
  const shown = async (name: string): Promise<ShownRun> => {
    const run = readRun(...historiesFromJson(await readFile(new URL(`${name}.json`, GOLDEN_FOLDER), 'utf8')));
    return { head: headOf(run), turns: run.turns.map(turnView), attempts: {} };
  };
  const [run, child] = [await shown('budget-tree'), await shown('budget-tree.1.0')];
  const endMs = run.head.endedAtMs!;
  const rows = (open: OpenRuns) => rowsOf(run, endMs, open);
  const closed = rows(new Map());
  const at = closed.findIndex(({ childId }) => childId !== null);
  const { childId } = closed[at]!;
  assert.ok(childId !== null && closed.every(({ of, isOpen }) => of === null && !isOpen));
  const reading = rows(new Map([[childId, null]]));
  assert.deepEqual([reading.length, reading[at]?.isOpen], [closed.length, true]);
  const open = rows(new Map([[childId, child]]));
  const own = open.filter(({ of }) => of === childId);
  assert.deepEqual(
    own.map(({ key, target }) => [key, target]),
    rowsOf(child, endMs, new Map()).map(({ key, target }) => [`${childId} ${key}`, target]),
  );
  assert.deepEqual(open.slice(at + 1, at + 1 + own.length), own, 'right under it');
  assert.ok(own.every(({ depth }) => depth > open[at]!.depth));
  assert.equal(new Set(open.map(({ key }) => key)).size, open.length);
  const bars = open[at]!.bars.filter(({ kind }) => kind !== 'person');
  assert.ok(bars.length > 0 && bars.every((bar) => !busyIn(open).includes(bar)), 'its time is that of its own rows');
  assert.ok(busyIn(reading).some((span) => reading[at]!.bars.includes(span as (typeof bars)[number])));
});

test('makes the same arguments of a form in which nothing was changed', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (args) => {
      const json = JSON.stringify(args);
      const made = fromFields(fieldsOf(json));
      assert.ok('json' in made);
      assert.deepEqual(JSON.parse(made.json), JSON.parse(json));
    }),
  );
  for (const no of ['[]', '1', 'null', '{', '']) assert.equal(editable(no), false, no);
});

test('refuses what is no number, and no JSON', () => {
  const [field] = fieldsOf('{"cents":5}');
  for (const text of ['', '5 euros', '1e', 'NaN', 'true'])
    assert.deepEqual(fromFields([{ ...field!, text }]), { problem: 'cents: expected a number.' });
  const [list] = fieldsOf('{"items":[]}');
  assert.deepEqual(fromFields([{ ...list!, text: '[,]' }]), { problem: 'items: expected JSON.' });
});

test('shows a person all that is in the arguments', () => {
  assert.equal(pretty('{ "a": 1 }'), '{\n  "a": 1\n}');
  for (const json of ['{"to":"ann","to":"bob"}', '{"cents":12345678901234567890}', '{"a":1.0}', 'no JSON'])
    assert.equal(pretty(json), json);
  assert.equal(pretty('{"to":"\u202enna"}'), '{\n  "to": "\\u202enna"\n}');
  assert.equal(oneLine('{\n  "a": 1 }', 100), '{ "a": 1 }');
  assert.equal(oneLine('x'.repeat(200), 10), `${'x'.repeat(9)}…`);
});

test('says how long something took', () => {
  const texts = [40, 9_999, 59_000, 61_000, 3_600_000, 172_800_000].map(duration);
  assert.deepEqual(texts, ['0.04 s', '10.00 s', '59.0 s', '1 min 1 s', '1 h 0 min', '2 days 0 h']);
});
