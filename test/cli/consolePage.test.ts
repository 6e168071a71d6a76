// What the console's page works out by itself: the time axis, the form for arguments, and what it shows of them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { axisOf } from '../../cli/console/page/axis.ts';
import { editable, fieldsOf, fromFields } from '../../cli/console/page/fields.ts';
import { duration, oneLine, pretty } from '../../cli/console/page/words.ts';

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
