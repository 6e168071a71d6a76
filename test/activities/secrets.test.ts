// What a worker was configured with is hidden in texts of the model's server, however they spell it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createEndpoint } from '../../activities/model/endpoint.ts';
import { secretsOf } from '../../activities/model/secrets.ts';

const KEY = 'zk-Canary7f3a9B2c5D8e1F4a6b';
const PASSWORD = 'hunter2';
const { hide } = secretsOf([KEY, 'bob', PASSWORD, `bob:${PASSWORD}`, 'grüße/100%']);

const base64 = (text: string) => Buffer.from(text).toString('base64');
const percent = (text: string) =>
  Array.from(Buffer.from(text), (byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');

const FORMS: Readonly<Record<string, string>> = {
  'as it is': `Incorrect API key provided: ${KEY}.`,
  'in another case': `key ${KEY.toUpperCase()} or ${KEY.toLowerCase()}, password Hunter2`,
  'in JSON': JSON.stringify({ error: { key: KEY, password: PASSWORD } }),
  'in a URL': `http://bob:${PASSWORD}@127.0.0.1/v1?key=${KEY}`,
  'percent-encoded': `${percent(KEY)} ${percent(PASSWORD).toUpperCase()} ${encodeURIComponent('grüße/100%')}`,
  'percent-encoded twice': encodeURIComponent(percent(KEY)),
  'with escapes of JSON': [...KEY].map((letter) => `\\u00${letter.charCodeAt(0).toString(16)}`).join(''),
  'with entities': [...KEY].map((letter) => `&#x${letter.charCodeAt(0).toString(16)};`).join(''),
  'in base64': `Basic ${base64(`bob:${PASSWORD}`)}, ${base64(KEY)}, ${base64(PASSWORD)}`,
  'in base64 of more': `${base64(`{"authorization":"Bearer ${KEY}"}`)} ${base64(`x${KEY}`)} ${base64(`xy${KEY}y`)}`,
  'in base64 for URLs': Buffer.from(`??>${KEY}`).toString('base64url'),
  'in base64 in a path': `/keys/${base64(KEY)}`,
  'in base64, percent-encoded': encodeURIComponent(base64(`bob:${PASSWORD}`)),
  hexadecimal: Buffer.from(KEY).toString('hex'),
  'in part': `no key ${KEY.slice(4, 16)} here`,
  'cut off': `no key ${KEY.slice(0, 14)}`,
};

test('hides a secret in every form', () => {
  for (const [form, text] of Object.entries(FORMS)) {
    const hidden = hide(text);
    assert.match(hidden, /\[hidden\]/, form);
    for (const left of [
      KEY,
      KEY.slice(0, 8),
      KEY.slice(-8),
      PASSWORD,
      'bob',
      base64(PASSWORD),
      base64(KEY).slice(4, 20),
    ])
      assert.ok(!hidden.toLowerCase().includes(left.toLowerCase()), `${form}: ${left} in ${hidden}`);
    assert.doesNotMatch(hidden, /%[0-9a-f]{2}%[0-9a-f]{2}/i, form);
  }
});

test('hides what is left of a shortened secret', () => {
  for (const text of [
    'zk-...4a6b',
    'zk-Ca***********4a6b',
    'zk-C…',
    '...4a6b',
    '****F4a6b',
    'zk-Canxxxxxxxx6b',
    'ends with 4a6b',
    'the key 4A6B',
  ])
    assert.doesNotMatch(
      hide(`Incorrect API key provided: ${text}. Find yours at https://example.com.`),
      /4a6b|zk-|canary/i,
      text,
    );
});

test('leaves the rest of the text as it is', () => {
  for (const text of [
    'This model has a maximum context length of 8192 tokens... your messages have 9000.',
    'connect ECONNREFUSED 127.0.0.1:9',
    "Invalid 'messages[0].content': string too long. Expected a string with maximum length 10.",
    'bobsled, hunters and 100% of it: see https://example.com/a%20b?c=d',
    'naïve İstanbul 漢字',
  ])
    assert.equal(hide(text), text);
  assert.equal(secretsOf(['none', 'offline', undefined, '', 'x']).hide('offline/x has none'), 'offline/x has none');
});

test('hides any secret in any text, in every form', () => {
  const secret = fc
    .string({ unit: 'grapheme-ascii', minLength: 8, maxLength: 60 })
    .filter((text) => /^\S+$/.test(text));
  fc.assert(
    fc.property(secret, fc.string(), fc.string(), (text, before, after) => {
      const { hide } = secretsOf([text]);
      for (const form of [text, text.toUpperCase(), encodeURIComponent(text), percent(text)])
        assert.ok(!hide(`${before} ${form} ${after}`).includes(form), form);
      assert.ok(!hide(`${before} ${base64(text)} ${after}`).includes(base64(text).slice(0, -4)), base64(text));
    }),
  );
});

test('sends a login in the address as basic authorization, and shows nothing of it', () => {
  const { client, address, secrets } = createEndpoint({
    apiKey: 'none',
    baseURL: 'https://b%40b:p%3Aw-42%21@example.com/v1?key=query-7f3a#hash',
  });
  assert.deepEqual(
    { baseURL: client.baseURL, address },
    { baseURL: 'https://example.com/v1?key=query-7f3a', address: 'https://example.com/v1' },
  );
  for (const secret of ['b@b', 'b%40b', 'p:w-42!', 'p%3Aw-42%21', 'query-7f3a', base64('b@b:p:w-42!')])
    assert.equal(secrets.hide(`It is ${secret}`), 'It is [hidden]', secret);
  for (const wrong of ['bob:hunter2@host', 'http://bob:hunter2@', 'ftp://bob:hunter2@host'])
    assert.throws(
      () => createEndpoint({ apiKey: 'none', baseURL: wrong }),
      (error: Error) => /OPENAI_BASE_URL/.test(error.message) && !/hunter2/.test(`${error.stack}`),
    );
});
