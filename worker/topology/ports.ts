// Finds free ports on 127.0.0.1, and waits for those that are to be listened at.
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export const IP = '127.0.0.1';

// Temporal stores its services' ports in PostgreSQL as `smallint`, so up to 32,767. Systems assign ephemeral ports above
// that, so no client takes one between our check and its use.
const RANGE = { from: 20_000, to: 32_767 } as const;
const ATTEMPTS = 1_000;
const POLL_MS = 50;

/** Returns `count` different free ports. */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  for (let attempt = 0; found.size < count; attempt++) {
    if (attempt === ATTEMPTS)
      throw new Error(`Found fewer than ${count} free ports between ${RANGE.from} and ${RANGE.to}.`);
    const port = randomInt(RANGE.from, RANGE.to + 1);
    if (await isFree(port)) found.add(port);
  }
  return [...found];
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, IP);
  return once(server, 'listening').then(
    async () => {
      server.close();
      await once(server, 'close');
      return true;
    },
    () => false,
  );
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

/** Rejects after `ms`, or once `hasEnded`. */
export async function untilListens(port: number, ms: number, hasEnded: () => boolean): Promise<void> {
  const deadline = Date.now() + ms;
  while (!(await listens(port))) {
    if (hasEnded()) throw new Error('it exited at once');
    if (Date.now() > deadline) throw new Error(`nothing listens at port ${port} after ${ms / 1_000} s`);
    await sleep(POLL_MS);
  }
}
