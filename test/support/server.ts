// The Temporal server of the tests: the one that `npm test` started for all, or this process's own.
import { after } from 'node:test';
import { type DevServer, startDevServer } from '../../worker/dev/devServer.ts';
import type { DynamicConfig } from '../../worker/dev/dynamicConfig.ts';

let own: Promise<DevServer> | undefined;

// Here, at the top: inside a suite's hook it would belong to that suite, and end the server before the next one.
after(async () => (await own)?.kill());

/** Has the tests of this file run on a server of their own, with these settings of it. */
export function ownServer(dynamicConfig: DynamicConfig): void {
  own = startDevServer({ dynamicConfig });
}

export async function serverAddress(): Promise<string> {
  const shared = process.env['HOLDFAST_TEST_ADDRESS'];
  if (shared && !own) return shared;
  own ??= startDevServer();
  return (await own).address;
}
