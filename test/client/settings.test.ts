// Settings follow Temporal's conventions: options, then the environment, then a profile of temporal.toml.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { DEFAULT_ADDRESS, namesServer, readSettings } from '../../client/settings.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-settings-'));
  await writeFile(
    join(folder, 'temporal.toml'),
    '[profile.default]\naddress = "from-file:7233"\nnamespace = "filed"\n[profile.cloud]\naddress = "cloud:7233"\napi_key = "k"\n',
  );
});
after(() => rm(folder, { recursive: true }));

function withEnv<T>(env: Record<string, string>, look: () => T): T {
  const names = [
    'TEMPORAL_ADDRESS',
    'TEMPORAL_NAMESPACE',
    'TEMPORAL_API_KEY',
    'TEMPORAL_PROFILE',
    'TEMPORAL_CONFIG_FILE',
  ];
  const saved = Object.fromEntries(names.map((name) => [name, process.env[name]]));
  for (const name of names) delete process.env[name];
  Object.assign(process.env, { TEMPORAL_CONFIG_FILE: join(folder, 'none.toml'), ...env });
  try {
    return look();
  } finally {
    for (const name of names) {
      delete process.env[name];
      if (saved[name] !== undefined) process.env[name] = saved[name];
    }
  }
}

test('defaults to the local server and the default namespace', () => {
  const { address, namespace } = withEnv({}, () => readSettings());
  assert.deepEqual({ address, namespace }, { address: DEFAULT_ADDRESS, namespace: 'default' });
  assert.equal(withEnv({}, namesServer), false);
});

test('ignores an empty variable', () => {
  const names = ['ADDRESS', 'NAMESPACE', 'API_KEY', 'PROFILE'];
  const env = Object.fromEntries(names.map((name) => [`TEMPORAL_${name}`, '']));
  assert.deepEqual(
    withEnv(env, () => readSettings()),
    withEnv({}, () => readSettings()),
  );
  assert.equal(withEnv(env, namesServer), false);
});

test('reads the environment, which options override', () => {
  const env = { TEMPORAL_ADDRESS: 'env:7233', TEMPORAL_NAMESPACE: 'envspace', TEMPORAL_API_KEY: 'secret' };
  const found = withEnv(env, () => readSettings());
  assert.deepEqual(
    { address: found.address, namespace: found.namespace, apiKey: found.connection.apiKey },
    { address: 'env:7233', namespace: 'envspace', apiKey: 'secret' },
  );
  assert.equal(withEnv(env, () => readSettings({ address: 'option:1' })).address, 'option:1');
  assert.equal(withEnv(env, namesServer), true);
});

test('reads a profile of temporal.toml, by default or by name', () => {
  const env = { TEMPORAL_CONFIG_FILE: join(folder, 'temporal.toml') };
  assert.equal(withEnv(env, () => readSettings()).address, 'from-file:7233');
  const cloud = withEnv(env, () => readSettings({ profile: 'cloud' }));
  assert.deepEqual({ address: cloud.address, apiKey: cloud.connection.apiKey }, { address: 'cloud:7233', apiKey: 'k' });
});
