// Ports of 127.0.0.1 that nobody uses.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';

export const IP = '127.0.0.1';

/** So many at once, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, IP);
      await once(server, 'listening');
      return server;
    }),
  );
  // A server that listens on a port has an address with one.
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(
    servers.map(async (server) => {
      server.close();
      await once(server, 'close');
    }),
  );
  return ports;
}

export async function listens(port: number): Promise<boolean> {
  const socket = connect(port, IP);
  return once(socket, 'connect').then(
    () => {
      socket.destroy();
      return true;
    },
    () => false,
  );
}
