// Values that a JSON converter drops, changes or rejects, and what the model reads of them.
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';

const MB = 1024 * 1024;

function circular(): object {
  const value: Record<string, unknown> = { name: 'loop' };
  value['self'] = value;
  return value;
}

/** Returned, by name: the text that the model reads. */
export const VALUES: Record<string, { readonly make: () => unknown; readonly text: string | RegExp }> = {
  undefined: { make: () => undefined, text: 'null' },
  null: { make: () => null, text: 'null' },
  function: { make: () => function hello() {}, text: '"[function hello]"' },
  symbol: { make: () => Symbol('here'), text: '"Symbol(here)"' },
  bigint: { make: () => ({ big: 12345678901234567890n }), text: '{"big":"12345678901234567890"}' },
  nan: { make: () => [Number.NaN, -Infinity, -0], text: /^\["NaN","-Infinity",-?0\]$/ },
  circular: { make: circular, text: '{"name":"loop","self":"[circular]"}' },
  error: { make: () => new RangeError('too far'), text: '{"error":"too far","name":"RangeError"}' },
  map: { make: () => new Map([['a', new Map([[1, 'one']])]]), text: '{"a":[[1,"one"]]}' },
  set: { make: () => new Set([1, 'two']), text: '[1,"two"]' },
  date: { make: () => new Date(0), text: '"1970-01-01T00:00:00.000Z"' },
  invalidDate: { make: () => new Date('never'), text: '"Invalid Date"' },
  buffer: { make: () => Buffer.from('bytes'), text: '"data:;base64,Ynl0ZXM="' },
  stream: { make: () => Readable.from(['a']), text: /a stream: the tool did not read it/ },
  promise: { make: () => ({ later: Promise.resolve(1) }), text: /the tool did not await it/ },
  getter: {
    make: () => ({
      good: 1,
      get bad() {
        throw new Error('no entry');
      },
    }),
    text: '{"good":1,"bad":"[unreadable: no entry]"}',
  },
  toJSON: { make: () => ({ toJSON: () => undefined }), text: 'null' },
  toJSONThrows: { make: () => [{ toJSON: () => assert.fail('not today') }, 2], text: '["[unreadable: not today]",2]' },
  surrogates: { make: () => ({ text: 'a\ud800b\udc00' }), text: '{"text":"a\ufffdb\ufffd"}' },
  surrogateText: { make: () => '\udfff', text: '\ufffd' },
  emptyText: { make: () => '', text: '' },
  emptyObject: { make: () => ({}), text: '{}' },
  proxy: {
    make: () => new Proxy({}, { ownKeys: () => assert.fail('closed') }),
    text: '"[unreadable: closed]"',
  },
  hugeText: {
    make: () => 'x'.repeat(100 * MB),
    text: /^x{60000,}\n\[cut: the first [\d,]+ bytes of 104,857,600 bytes\]$/,
  },
  wideText: { make: () => '€'.repeat(MB), text: /^€+\n\[cut: the first [\d,]+ bytes of 3,145,728 bytes\]$/ },
  nested: {
    make: () => Array.from({ length: 100 }, (_, i) => ({ i, deep: [{ text: 'y'.repeat(MB) }] })),
    text: /^\[\{"i":0,"deep":\[\{"text":"y+.*\n\[cut: the first [\d,]+ bytes of a longer result\]$/s,
  },
  deep: {
    make: () => {
      let value: unknown = 'bottom';
      for (let i = 0; i < 100_000; i++) value = [value];
      return value;
    },
    text: /^\[+"\[too deep\]"\]+$/,
  },
  wide: { make: () => new Array(5_000_000).fill(0), text: /\[cut: the first [\d,]+ bytes of a longer result\]$/ },
};

/** Thrown, by name: the error that the model reads. */
export const ERRORS: Record<string, { readonly make: () => unknown; readonly error: string | RegExp }> = {
  error: { make: () => new Error('plain'), error: 'plain' },
  nameOnly: { make: () => new RangeError(), error: 'RangeError' },
  huge: {
    make: () => new Error('e'.repeat(10 * MB)),
    error: /^e{4000}… \[cut: the first 4,000 of 10,485,760 characters\]$/,
  },
  hugeText: { make: () => 'e'.repeat(10 * MB), error: /^e{3000,}/ },
  circular: {
    make: () => {
      const error = new Error('round and round');
      error.cause = error;
      return error;
    },
    error: 'round and round',
  },
  circularObject: { make: circular, error: '{"name":"loop","self":"[circular]"}' },
  surrogate: { make: () => new Error('half \ud83d'), error: 'half \ufffd' },
  symbol: { make: () => Symbol('thrown'), error: '"Symbol(thrown)"' },
  getter: {
    make: () =>
      Object.defineProperty(new Error(), 'message', {
        get: () => {
          throw new Error('inner');
        },
      }),
    error: 'the tool failed without a message',
  },
};
