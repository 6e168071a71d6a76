// Arguments that a person decides about are cut field by field, and the cut cannot be imitated.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { shownArguments } from '../../core/shownArguments.ts';

const MAX = 400;
const shown = (value: object, maxChars = MAX) => shownArguments(JSON.stringify(value), maxChars);

test('shows what fits as it is', () => {
  const value = { amount: 500, to: 'ann', items: [{ sku: 'A-1', n: 2 }], urgent: true, note: null };
  assert.equal(shown(value), JSON.stringify(value));
  assert.equal(shownArguments('{ "\\u0061mount" : 1e3 }', MAX), '{"amount":1000}');
});

test('keeps every field, its name and the beginning of its value', () => {
  const long = 'All of it is well. '.repeat(200);
  const items = Array.from({ length: 100 }, (_, i) => ({ sku: `A-${i}`, amount: 1_000_000 + i }));
  const text = shown({
    note: long,
    to: 'ann',
    memo: long,
    items,
    amount: 999_999,
    fast: true,
    account: 'DE-1234-5678',
  });
  assert.match(text, /^\{"note":"All of it is well\. [^"]*"⟨3,\d{3} more characters⟩,"to":"ann","memo":"All of it/);
  assert.match(
    text,
    /"items":\[\{"sku":"A-0","amount":1000000\}(,\{"sku":"A-\d",("amount":100000\d|⟨1 more⟩)\})*,⟨\d\d more⟩\],/,
  );
  assert.ok(text.endsWith(',"amount":999999,"fast":true,"account":"DE-1234-5678"}'), text);
  assert.ok(text.length < 2 * MAX, `${text.length} characters`);
});

test('cuts no number, truth value or short text, wherever they are', () => {
  const short = fc.oneof(
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.string({ maxLength: 12 }),
  );
  const long = fc.oneof(
    fc.string({ minLength: 500, maxLength: 900 }),
    fc.array(fc.integer(), { minLength: 200, maxLength: 300 }),
  );
  const name = fc.stringMatching(/^[a-z]{3,12}$/);
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(name, fc.oneof(short, long)), { maxLength: 8, selector: ([key]) => key }),
      (fields) => {
        const text = shown(Object.fromEntries(fields));
        for (const [key, value] of fields) {
          const json = JSON.stringify(value).replaceAll('⟨', '\\u27e8').replaceAll('⟩', '\\u27e9');
          const expected = json.length <= 40 ? `"${key}":${json}` : `"${key}":${json.slice(0, 2)}`;
          assert.ok(text.includes(expected), `${expected} in ${text}`);
        }
      },
    ),
  );
});

test('marks a cut as no text can', () => {
  const marks = (text: string) => text.match(/⟨[^⟨⟩]*⟩/g) ?? [];
  const fake = { to: 'ann"⟨390 more characters⟩', '⟨2 more⟩': 1 };
  const text = shown(fake);
  assert.deepEqual(marks(text), []);
  assert.deepEqual(JSON.parse(text), fake, 'the same value');
  const cut = shown({ to: `ann"⟨390 more characters⟩${'x'.repeat(500)}`, more: ['⟩'.repeat(500)] });
  assert.equal(marks(cut).length, 2, cut);
  assert.throws(() => JSON.parse(cut), SyntaxError, 'nobody takes it for the whole');
});

test('escapes letters that cannot be seen, as JSON of the same value', () => {
  const value = { to: 'a\u202eb\u200bc\u{e0041}', '\u3164': 1, 'x\ufe0f': ['\u115f\u1160\uffa0\u00ad\ufeff\u2028'] };
  const text = shown(value);
  assert.match(text, /^[\x20-\x7e]+$/);
  assert.ok(text.includes('"a\\u202eb\\u200bc\\udb40\\udc41"'), text);
  assert.deepEqual(JSON.parse(text), value);
});

test('has a limit, whatever the arguments are', () => {
  const deep = JSON.parse(`${'{"a":['.repeat(30)}1${']}'.repeat(30)}`);
  const wide = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`field_${i}`, i]));
  const named = Object.fromEntries(
    Array.from({ length: 50 }, (_, i) => [`${i}${'n'.repeat(2_000)}`, { ['m'.repeat(900)]: 1 }]),
  );
  const controls = { a: '\u0001'.repeat(9_000), b: '\u202e'.repeat(9_000) };
  const pairs = { a: '😀'.repeat(900) };
  for (const value of [deep, wide, named, controls, pairs, { a: deep, b: wide, c: named }]) {
    const text = shown(value);
    assert.ok(text.length <= 5 * MAX, `${text.length} characters`);
    assert.ok(text.isWellFormed());
  }
  assert.match(shown(wide), /"field_40":40,.*⟨4,\d{3} more fields⟩\}$/);
});

test('leaves alone what it has cut before, and what is no object', () => {
  const cut = shown({ note: 'x'.repeat(1_000), amount: 5 });
  assert.equal(shownArguments(cut, 600), cut);
  assert.equal(shownArguments('{"amount":', 600), '{"amount":');
  assert.ok(shownArguments('x'.repeat(9_000), 600).length < 3_100);
});
