// `npm run build`: builds the published package into dist/: JavaScript, types, and prebuilt workflow bundles.
import { spawnSync } from 'node:child_process';
import { chmod, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FAILURES } from '../client/payloads/options.ts';
import { buildBundle, bundleName, sdkVersion } from './workflowBundle.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');

await rm(dist, { recursive: true, force: true });
const types = spawnSync(join(root, 'node_modules/.bin/tsc'), ['--project', join(root, 'worker/build.tsconfig.json')], {
  stdio: 'inherit',
});
if (types.status !== 0) process.exit(types.status ?? 1);
for (const failures of [{}, { failureConverterPath: FAILURES }])
  await writeFile(join(dist, bundleName(failures)), await buildBundle(undefined, failures));
await writeFile(join(dist, 'workflow-bundle-sdk.txt'), sdkVersion());
await chmod(join(dist, 'cli/main.js'), 0o755);
console.log('Built dist/.');
