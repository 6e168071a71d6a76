// Downloads the Temporal CLI, in its own process: the SDK does so as part of starting a server, and cannot be interrupted.
// @temporalio/testing does the same, but is not needed to run a worker and so is not a dependency.
import { createRequire } from 'node:module';
import { Runtime } from '@temporalio/worker';

const [downloadDir, version] = process.argv.slice(2) as [string, string];
const sdkVersion: string = createRequire(import.meta.url)('@temporalio/worker/package.json').version;
const DAY_MS = 86_400_000;

try {
  const runtime = Runtime.instance();
  const server = await runtime.createEphemeralServer({
    type: 'dev-server',
    exe: { type: 'cached-download', downloadDir, version, ttl: DAY_MS, sdkName: 'sdk-typescript', sdkVersion },
    ip: '127.0.0.1',
    port: null,
    ui: false,
    uiPort: null,
    namespace: 'default',
    dbFilename: null,
    log: { format: 'pretty', level: 'warn' },
    extraArgs: [],
  });
  await runtime.shutdownEphemeralServer(server);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
