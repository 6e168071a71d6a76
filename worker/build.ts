// `npm run build`: builds the published package into dist/: JavaScript, types, and prebuilt workflow bundles.
import { spawnSync } from 'node:child_process';
import { chmod, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');

await rm(dist, { recursive: true, force: true });
const types = spawnSync(join(root, 'node_modules/.bin/tsc'), ['--project', join(root, 'worker/build.tsconfig.json')], {
  stdio: 'inherit',
});
if (types.status !== 0) process.exit(types.status ?? 1);
// Of the code that is shipped, so that a debugger finds the sources of the bundle beside it.
const { buildBundle, bundleName, sdkVersion, withRelativeSources }: typeof import('./workflowBundle.ts') = await import(
  pathToFileURL(join(dist, 'worker/workflowBundle.js')).href
);
const { FAILURES }: typeof import('../client/payloads/options.ts') = await import(
  pathToFileURL(join(dist, 'client/payloads/options.js')).href
);
for (const failures of [{}, { failureConverterPath: FAILURES }]) {
  const code = withRelativeSources(await buildBundle(undefined, failures), dist);
  await writeFile(join(dist, bundleName(failures)), code);
}
await writeFile(join(dist, 'workflow-bundle-sdk.txt'), sdkVersion());
// Of the sources: the page is no part of what TypeScript compiles.
const { buildPage }: { buildPage(outDir: string): Promise<unknown> } = await import(
  pathToFileURL(join(root, 'cli/console/buildPage.ts')).href
);
await buildPage(join(dist, 'cli/console/built'));
await chmod(join(dist, 'cli/main.js'), 0o755);
console.log('Built dist/.');
