// What a section runs on: the dev server with a SQLite file, or the real topology. Both can lose their server, and the second
// one its database, and restart on the same data.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { type DevServer, startDevServer } from '../../../worker/dev/devServer.ts';
import { startTopology } from '../../../worker/topology/topology.ts';
import { makeFolder } from './folder.ts';

export const SITES = ['dev', 'topology'] as const;
export type SiteName = (typeof SITES)[number];

export interface Site {
  readonly name: SiteName;
  readonly address: string;
  /** Description, with versions. */
  readonly description: string;
  /** SIGKILL, then a start on the same data. */
  crashServer(): Promise<void>;
  /** Crashes the server's database, and restarts it after the given time; null if it has none of its own. */
  readonly crashDatabase: ((downMs: number) => Promise<void>) | null;
  close(): Promise<void>;
}

export function openSite(name: SiteName, say: (text: string) => void): Promise<Site> {
  return name === 'dev' ? openDevServer(say) : openTopology(say);
}

async function openDevServer(say: (text: string) => void): Promise<Site> {
  const folder = await makeFolder('prove');
  const dbFile = join(folder.path, 'temporal.db');
  let server: DevServer = await startDevServer({ dbFile, say });
  const { address } = server;
  return {
    name: 'dev',
    address,
    description: await describe(address, 'The dev server of the Temporal CLI, on a file of SQLite'),
    async crashServer() {
      await server.kill();
      server = await startDevServer({ dbFile, port: Number(address.split(':')[1]) });
      if (server.address !== address) throw new Error(`The port of ${address} was taken while the server was down.`);
    },
    crashDatabase: null,
    async close() {
      await server.kill();
      folder.remove();
    },
  };
}

async function openTopology(say: (text: string) => void): Promise<Site> {
  const { address, server, postgres, stop } = await startTopology({ workers: 0, say });
  return {
    name: 'topology',
    address,
    description: await describe(
      address,
      'The topology of docker-compose.yml, without Docker: all services, PostgreSQL',
    ),
    async crashServer() {
      await server.stop('kill');
      await server.start();
    },
    async crashDatabase(downMs) {
      await postgres.stop('immediate');
      await sleep(downMs);
      await postgres.start();
    },
    close: stop,
  };
}

async function describe(address: string, what: string): Promise<string> {
  const connection = await Connection.connect({ address });
  try {
    const { serverVersion } = await connection.workflowService.getClusterInfo({});
    return `${what}; Temporal server ${serverVersion}`;
  } finally {
    await connection.close();
  }
}
