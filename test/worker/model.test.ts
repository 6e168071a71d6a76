// The model of a worker comes from the environment, and mistakes in it are errors at the start.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineAgent } from '../../activities/index.ts';
import { createEndpoint } from '../../activities/model/endpoint.ts';
import { createRegistry } from '../../activities/registry.ts';
import { type ModelSettings, modelSettingsFrom, openModel } from '../../worker/model.ts';

const agent = defineAgent({ name: 'a', model: 'its-own', instructions: 'Do.' });
const registry = createRegistry([agent]);

test('answers from the offline script without a key or address, and says so', async () => {
  const model = await openModel(modelSettingsFrom({}), registry);
  assert.equal(model.isOffline, true);
  assert.match(model.description, /not a model/);
  assert.equal(model.models.endpointsOf(agent)[0].modelFor(agent), 'offline/a');
  await model.close();
});

test('uses an address without a key, and shows no secret of it', async () => {
  const model = await openModel(modelSettingsFrom({ OPENAI_BASE_URL: 'http://me:pw@127.0.0.1:9/v1?key=k' }), registry);
  assert.equal(model.isOffline, false);
  assert.equal(model.description, 'the model of each agent at http://127.0.0.1:9/v1');
  assert.equal(model.models.endpointsOf(agent)[0].modelFor(agent), 'its-own');
});

test('applies OPENAI_MODEL to every agent, and the given stream timeout', async () => {
  const env = { OPENAI_API_KEY: 'k', OPENAI_MODEL: 'other', HOLDFAST_MODEL_SILENCE_MS: '180000' };
  const { models } = await openModel(modelSettingsFrom(env), registry);
  const [endpoint] = models.endpointsOf(agent);
  assert.deepEqual(
    { modelFor: endpoint.modelFor(agent), silenceMs: endpoint.silenceMs },
    { modelFor: 'other', silenceMs: 180_000 },
  );
});

test('limits an attempt to ten minutes, so that the server does not end it', async () => {
  const limits = [1_000, 600_000, 2 ** 40].map(async (timeoutMs) => openModel({ apiKey: 'k', timeoutMs }, registry));
  const models = await Promise.all(limits);
  assert.deepEqual(
    models.map((model) => model.models.endpointsOf(agent)[0].timeoutMs),
    [1_000, 600_000, 600_000],
  );
});

test('rejects an invalid number by its name', () => {
  for (const name of ['HOLDFAST_MODEL_SILENCE_MS', 'HOLDFAST_MODEL_DELAY_MS'])
    assert.throws(() => modelSettingsFrom({ [name]: 'soon' }), new RegExp(name));
});

test('finds the server of a model by what stands before the colon, if there are several', async () => {
  const local = { baseURL: 'http://127.0.0.1:9/v1' };
  const other = { baseURL: 'http://127.0.0.1:10/v1', apiKey: 'secret-key', headers: { 'x-team': 'secret-team' } };
  const named = (model: string | string[]) => defineAgent({ name: 'a', model, instructions: 'Do.' });
  const found = async (model: string | string[], providers = {}, settings: ModelSettings = { apiKey: 'k' }) => {
    const one = named(model);
    const { models, close } = await openModel(settings, createRegistry([one]), providers);
    await close();
    return models.endpointsOf(one).map((endpoint) => [endpoint.address, endpoint.modelFor(one)]);
  };
  const [own, offline] = ['api.openai.com', 'offline/a'];
  assert.deepEqual(await found('ft:gpt-4o:acme'), [[own, 'ft:gpt-4o:acme']]);
  assert.deepEqual(await found('qwen3:8b'), [[own, 'qwen3:8b']]);
  assert.deepEqual(await found('gpt-4o', { local }), [[own, 'gpt-4o']]);
  assert.deepEqual(await found('local:qwen3:8b', { local }), [['http://127.0.0.1:9/v1', 'qwen3:8b']]);
  for (const name of ['ft:gpt-4o:acme', 'qwen3:8b', 'mistral:latest', 'qwen/qwen3:free', 'a:'])
    for (const written of [name, `openai:${name}`])
      assert.deepEqual(await found(written, { local }), [[own, name]], written);
  assert.deepEqual(await found(['gpt-4o', 'local:a', 'other:b'], { local, other }), [
    [own, 'gpt-4o'],
    ['http://127.0.0.1:9/v1', 'a'],
    ['http://127.0.0.1:10/v1', 'b'],
  ]);
  // Without a key for it, as where somebody tries the agents.
  const [[, model] = []] = await found('keyless:x', { keyless: { apiKey: undefined } }, {});
  assert.equal(model, offline);
  assert.deepEqual(await found('keyless:x', { keyless: {} }, { apiKey: 'k', model: 'for-all' }), [[own, 'for-all']]);
  assert.deepEqual(await found('local:x', { local }, { apiKey: 'k', model: 'for-all' }), [[own, 'for-all']]);

  const { description } = await openModel({ apiKey: 'k' }, createRegistry([named('local:x')]), { local, other });
  assert.doesNotMatch(description, /secret/);
  assert.match(description, /local at http:\/\/127\.0\.0\.1:9\/v1; other at/);
});

test('refuses at the start what names no server, or is none', async () => {
  const local = { baseURL: 'http://127.0.0.1:9/v1' };
  const wrong: [string, Record<string, object>, RegExp][] = [
    [
      'locl:x',
      { local },
      /Agent a: its model is "locl:x", but there is no provider "locl".* has: openai, local\. .* write "openai:locl:x"/,
    ],
    [
      'local:x',
      { local: { apiKey: undefined, baseURL: '' } },
      /model is "local:x", but providers\.local has neither apiKey nor baseURL/,
    ],
    ['local:x', {}, /no provider "local"/],
    ['x', { openai: local }, /providers\.openai: the name must be/],
    ['x', { 'a b': local }, /providers\.a b: the name must be/],
    ['x', { local: { baseURL: 'localhost' } }, /not a URL. Set providers\.local\.baseURL/],
    ['x', { local: { ...local, key: 'k' } }, /providers\.local\.key is not an option/],
    ['x', { local: { ...local, timeoutMs: 0 } }, /providers\.local\.timeoutMs must be/],
    ['x', { local: { ...local, fetch: 1 } }, /providers\.local\.fetch must be a function/],
    ['x', { local: { ...local, headers: 'a: b' } }, /providers\.local\.headers must be an object of strings/],
    ['x', { local: { ...local, body: [] } }, /providers\.local\.body must be a function/],
  ];
  for (const [model, providers, message] of wrong) {
    const one = defineAgent({ name: 'a', model, instructions: 'Do.' });
    await assert.rejects(openModel({ apiKey: 'k' }, createRegistry([one]), providers), message, String(message));
  }
  for (const providers of [[], 'local', null])
    await assert.rejects(
      openModel({ apiKey: 'k' }, registry, providers as never),
      /providers must be an object by name/,
    );
  for (const model of [[], [''], ['a', 'a'], ['a', 'b', 'c', 'd', 'e']])
    assert.throws(() => defineAgent({ name: 'a', model, instructions: 'Do.' }), /model/);
});

test('sends what the environment says of OpenAI to no other provider', async () => {
  const given = { OPENAI_ORG_ID: 'org', OPENAI_PROJECT_ID: 'project', OPENAI_CUSTOM_HEADERS: 'x-secret: of-openai' };
  const before = { ...process.env };
  Object.assign(process.env, given);
  try {
    const headersOf = async (name: string | undefined) => {
      let headers = new Headers();
      const { client } = createEndpoint({
        name,
        apiKey: 'own-key',
        headers: { 'x-team': 'night' },
        fetch: async (_, init) => {
          headers = new Headers(init?.headers);
          return new Response('{"choices":[]}', { headers: { 'content-type': 'application/json' } });
        },
      });
      await client.chat.completions.create({ model: 'm', messages: [] });
      return ['authorization', 'openai-organization', 'openai-project', 'x-secret', 'x-team'].map((one) =>
        headers.get(one),
      );
    };
    assert.deepEqual(await headersOf(undefined), ['Bearer own-key', 'org', 'project', 'of-openai', 'night']);
    assert.deepEqual(await headersOf('local'), ['Bearer own-key', null, null, null, 'night']);
  } finally {
    for (const name of Object.keys(given)) delete process.env[name];
    Object.assign(process.env, before);
  }
});
