// Text is measured and cut like Node's encoder, without encoding it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { count, cutText, inWords, oneLine, utf8Head, utf8Length } from '../../core/text.ts';

/** Any sequence of UTF-16 units, lone surrogates and all, with more of those than chance would bring. */
const units = fc
  .array(
    fc.oneof(
      fc.integer({ min: 0, max: 0xffff }),
      fc.integer({ min: 0xd800, max: 0xdfff }),
      fc.integer({ min: 0, max: 0x7f }),
    ),
  )
  .map((codes) => String.fromCharCode(...codes));

test('utf8Length equals the length of a Buffer', () => {
  fc.assert(fc.property(units, (text) => assert.equal(utf8Length(text), Buffer.byteLength(text))));
});

test('utf8Head returns the longest head that fits and splits no character', () => {
  fc.assert(
    fc.property(units, fc.nat(200), (text, bytes) => {
      const head = utf8Head(text, bytes);
      assert.ok(text.startsWith(head));
      assert.ok(Buffer.byteLength(head) <= bytes);
      const next = [...text.slice(head.length)][0];
      if (next !== undefined) assert.ok(Buffer.byteLength(head + next) > bytes);
      assert.equal([...head].length + [...text.slice(head.length)].length, [...text].length);
    }),
  );
});

test('cutText keeps text well-formed, and notes its full length', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.nat(20), (text, chars) => {
      const cut = cutText(text, chars);
      assert.ok(cut.isWellFormed());
      if (text.length <= chars) assert.equal(cut, text);
      else assert.match(cut, new RegExp(`of ${count(text.length)} characters\\]$`));
    }),
  );
});

test('oneLine returns one line of at most the given length', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 40 }), (text, chars) => {
      const line = oneLine(text, chars);
      assert.ok(line.length <= chars && line.isWellFormed());
      assert.doesNotMatch(line, /[\n\r]/);
    }),
  );
});

test('inWords uses the largest unit that fits', () => {
  const words: Record<number, string> = {
    1: '1 millisecond',
    500: '500 milliseconds',
    1000: '1 second',
    1500: '1.5 seconds',
    30000: '30 seconds',
    90000: '90 seconds',
    60000: '1 minute',
    600000: '10 minutes',
    86400000: '24 hours',
  };
  for (const [ms, text] of Object.entries(words)) assert.equal(inWords(Number(ms)), text);
});
