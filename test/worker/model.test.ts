// The model of a worker comes from the environment, and mistakes in it are errors at the start.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineAgent } from '../../activities/index.ts';
import { createRegistry } from '../../activities/registry.ts';
import { modelSettingsFrom, openModel } from '../../worker/model.ts';

const agent = defineAgent({ name: 'a', model: 'its-own', instructions: 'Do.' });
const registry = createRegistry([agent]);

test('answers from the offline script without a key or address, and says so', async () => {
  const model = await openModel(modelSettingsFrom({}), registry);
  assert.equal(model.isOffline, true);
  assert.match(model.description, /not a model/);
  assert.equal(model.endpoint.modelFor(agent), 'offline/a');
  await model.close();
});

test('uses an address without a key, and shows no secret of it', async () => {
  const model = await openModel(modelSettingsFrom({ OPENAI_BASE_URL: 'http://me:pw@127.0.0.1:9/v1?key=k' }), registry);
  assert.equal(model.isOffline, false);
  assert.equal(model.description, 'the model of each agent at http://127.0.0.1:9/v1');
  assert.equal(model.endpoint.modelFor(agent), 'its-own');
});

test('applies OPENAI_MODEL to every agent, and the given stream timeout', async () => {
  const env = { OPENAI_API_KEY: 'k', OPENAI_MODEL: 'other', HOLDFAST_MODEL_SILENCE_MS: '180000' };
  const { endpoint } = await openModel(modelSettingsFrom(env), registry);
  assert.deepEqual(
    { modelFor: endpoint.modelFor(agent), silenceMs: endpoint.silenceMs },
    { modelFor: 'other', silenceMs: 180_000 },
  );
});

test('limits an attempt to ten minutes, so that the server does not end it', async () => {
  const limits = [1_000, 600_000, 2 ** 40].map(async (timeoutMs) => openModel({ apiKey: 'k', timeoutMs }, registry));
  const models = await Promise.all(limits);
  assert.deepEqual(
    models.map(({ endpoint }) => endpoint.timeoutMs),
    [1_000, 600_000, 600_000],
  );
});

test('rejects an invalid number by its name', () => {
  for (const name of ['HOLDFAST_MODEL_SILENCE_MS', 'HOLDFAST_MODEL_DELAY_MS'])
    assert.throws(() => modelSettingsFrom({ [name]: 'soon' }), new RegExp(name));
});
