// The Temporal server of the tests: the one that `npm test` started for all, or this process's own.
import { after } from 'node:test';
import { type DevServer, startDevServer } from '../../worker/devServer.ts';

let own: Promise<DevServer> | undefined;

// Here, at the top: inside a suite's hook it would belong to that suite, and end the server before the next one.
after(async () => (await own)?.kill());

export async function serverAddress(): Promise<string> {
  const shared = process.env['HOLDFAST_TEST_ADDRESS'];
  if (shared) return shared;
  own ??= startDevServer();
  return (await own).address;
}
