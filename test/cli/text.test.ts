// Text on a terminal: hostile text is rendered inert, and lines have the width that is computed for them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { columnsOf, cutTo, fit, lastOf } from '../../cli/terminal/columns.ts';
import { inert, inertJson, inertJsonLines, inertLine, inertQuestion } from '../../cli/terminal/inert.ts';
import { wrapped } from '../../cli/terminal/wrap.ts';
import { HOSTILE } from './hostile.ts';

test('removes escape sequences, control characters and bidi overrides', () => {
  assert.equal(inert('a\tb\r\nc\nd é 漢 👍'), 'a\tb\nc\nd é 漢 👍');
  assert.equal(inert(HOSTILE), 'before gnp.exe after');
  assert.equal(inertLine('a\n\x1b[31mb\x1b[0m  c', 4), 'a b…');
});

test('hides no letter that is invisible', () => {
  const written = 'pay\u{e0041}\u00ad\u3164 ❤\ufe0f';
  assert.equal(inert(written), 'pay ❤\ufe0f');
  assert.equal(inertJson(written), 'pay\\udb40\\udc41\\u00ad\\u3164 ❤\\ufe0f');
});

test('renders arguments inert as JSON of the same value', () => {
  const json = JSON.stringify({ to: HOSTILE, text: 'é 漢\tb' });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about.
  assert.doesNotMatch(inertJson(json), /[\x00-\x1f\x7f-\x9f\u202e\u2066\u200b]/);
  assert.deepEqual(JSON.parse(inertJson(json)), JSON.parse(json));
  assert.deepEqual(JSON.parse(inertJsonLines(json).join('\n')), JSON.parse(json));
  assert.deepEqual(inertJsonLines('{"a":\u202e'), ['{"a":\\u202e']);
});

/** One of every kind of letter that cannot be seen, or that turns others round. */
const UNSEEN = [
  ...[0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068, 0x2069, 0x200b, 0x200c, 0x200d, 0x200e, 0x200f],
  ...[0xfeff, 0x00ad, 0x3164, 0x115f, 0x1160, 0xffa0, 0xe0001, 0xe0041, 0xe007f, 0xfe00, 0xfe0f, 0xe0100, 0xe01ef],
  ...[0x034f, 0x061c, 0x070f, 0x17b4, 0x180b, 0x180e, 0x2028, 0x2029, 0x2060, 0x2065, 0x206f, 0xfff0],
  ...[0x1bca0, 0x1d173, 0x110bd, 0x0, 0x1b, 0x7f, 0x9b],
];

test('escapes every letter that cannot be seen where a person decides', () => {
  for (const point of UNSEEN) {
    const letter = String.fromCodePoint(point);
    const hex = point.toString(16);
    assert.equal(inertQuestion(`a${letter}b`), `a\\u{${hex}}b`);
    const json = JSON.stringify({ to: `a${letter}b` });
    assert.match(inertJson(json), /^\{"to":"a(\\u[0-9a-f]{4}){1,2}b"\}$/, hex);
    assert.deepEqual(JSON.parse(inertJson(json)), JSON.parse(json), hex);
  }
  assert.equal(inertQuestion('é 漢\t👍\r\nb'), 'é 漢\t👍\nb');
});

test('counts wide letters twice, and cuts lines to the width', () => {
  assert.deepEqual(['abc', '漢字', '👍', 'e\u0301'].map(columnsOf), [3, 4, 2, 1]);
  assert.equal(cutTo('漢字漢字', 5), '漢字…');
  assert.equal(lastOf('漢字漢字', 5), '漢字');
  assert.equal(fit('漢', 4), '漢  ');
  assert.equal(columnsOf('\t'), 8, 'as far as a tab can go');
  for (const line of wrapped('one two 漢字漢字漢字漢字漢字 three', 10)) assert.ok(columnsOf(line) <= 10, line);
});

test('breaks lines between words, or within long ones, and keeps indentation', () => {
  assert.deepEqual(wrapped('  - an item that goes on\n\nand on', 12), ['  - an item', 'that goes on', '', 'and on']);
  assert.deepEqual(wrapped('at /var/lib/holdfast', 10), ['at /var/li', 'b/holdfast']);
  assert.deepEqual(wrapped('运行 这个软件包然后', 10), ['运行 这个', '软件包然后']);
  assert.deepEqual(wrapped('🇩🇪🇫🇷🇮🇹', 5), ['🇩🇪🇫🇷', '🇮🇹'], 'a flag is one letter');
  assert.deepEqual(wrapped('abcde ', 5), ['abcde', ''], 'what is streamed next begins a line');
  assert.deepEqual(wrapped('e\u0301 \u212b', 1), ['e\u0301', '\u212b'], 'letters stay as they are spelled');
});

test('wraps any text within the width, without losing a letter', () => {
  const unit = fc.oneof(fc.string({ unit: 'grapheme' }), fc.stringMatching(/^[ \t]{0,12}$/), fc.constant('漢字👍🇩🇪'));
  fc.assert(
    fc.property(fc.array(unit), fc.integer({ min: 8, max: 40 }), (parts, columns) => {
      const text = inert(parts.join(''));
      const lines = wrapped(text, columns);
      for (const line of lines) assert.ok(columnsOf(line) <= columns, line);
      assert.equal(lines.join('').replaceAll(/[ \t]/g, ''), text.replaceAll(/[ \t\n]/g, ''));
    }),
  );
});
