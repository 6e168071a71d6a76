// Any value becomes bounded, well-formed text without throwing, and JSON if nothing was cut.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { resultText } from '../../activities/tools/jsonText.ts';
import { anything, checkPresented, checkText } from '../support/resultFuzz.ts';

test('stays within its limit, is well-formed, and marks where it was cut', () => {
  fc.assert(
    fc.property(anything, fc.integer({ min: 200, max: 2_000 }), ({ value }, bytes) => checkText(value, bytes)),
    { numRuns: 1_000 },
  );
});

test('stays within its limit through every presenter', () => {
  fc.assert(fc.property(anything, checkPresented), { numRuns: 300 });
});

const fail = () => assert.fail('no entry');
const STRANGE: Record<string, unknown> = {
  function: () => 1,
  class: class Thing {},
  'symbol without a name': Symbol(),
  error: new Error('e'),
  'error whose message throws': Object.defineProperty(new Error(), 'message', { get: fail }),
  'weak map': new WeakMap(),
  promise: Promise.resolve(),
  'proxy that refuses all': new Proxy(
    {},
    { get: fail, ownKeys: fail, getOwnPropertyDescriptor: fail, getPrototypeOf: fail },
  ),
  'list that refuses all': new Proxy([], { get: fail }),
  'revoked proxy': revoked(),
  'toJSON of toJSON': { toJSON: () => ({ toJSON: () => 1n }) },
  'toJSON of itself': endlessJSON(),
  'map without keys': Object.defineProperty(new Map([[1, 2]]), 'keys', { value: fail }),
  'thrown that is no error': {
    get field() {
      throw { message: 7 };
    },
  },
  'thrown whose message is no text': {
    get field() {
      throw Object.assign(new Error(), { message: 7n });
    },
  },
  'function whose name is no text': Object.defineProperty(() => 1, 'name', { value: Symbol('name') }),
  'date that throws': Object.defineProperty(new Date(), 'getTime', { value: fail }),
  'lone surrogate': '\ud800',
  'key with a lone surrogate': { '\udc00': 1 },
};

function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function endlessJSON(): unknown {
  return { toJSON: endlessJSON };
}

for (const [name, value] of Object.entries(STRANGE))
  test(`renders a ${name}, alone and among others`, () => {
    checkText(value, 2_000);
    checkText({ before: 1, value, after: [value, 2] }, 2_000);
    if (typeof value !== 'string') assert.equal(JSON.parse(resultText({ before: 1, value })).before, 1);
  });

test('equals JSON.stringify for JSON values', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      if (typeof value !== 'string') assert.equal(resultText(value), JSON.stringify(value));
    }),
  );
});

test('costs no more than what it keeps', () => {
  let read = 0;
  const endless = new Proxy(new Array(1_000_000), {
    get: (target, key, receiver) => {
      read += 1;
      return key === 'length' || typeof key === 'symbol' ? Reflect.get(target, key, receiver) : 'item';
    },
  });
  resultText(endless, 1_000);
  assert.ok(read < 2_000, `${read} reads`);
});
