// Serves one client over standard input and output, until standard input ends.
import { once } from 'node:events';
import { Writable } from 'node:stream';
import type { McpServerFactory } from '@modelcontextprotocol/server';
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';

/** @param protocolOut Standard output, which nobody else may write to. */
export async function serveOverStdio(
  factory: McpServerFactory,
  { protocolOut, signal, onError }: StdioOptions,
): Promise<void> {
  const transport = new StdioServerTransport(process.stdin, protocolOut);
  const handle = serveStdio(factory, { transport, onerror: onError });
  const ended = Promise.race([once(process.stdin, 'end', { signal }), once(process.stdin, 'close', { signal })]);
  await ended.catch(() => {});
  await handle.close();
}

interface StdioOptions {
  readonly protocolOut: Writable;
  readonly signal: AbortSignal;
  readonly onError: (error: Error) => void;
}

/** Takes standard output for the protocol. What the agents file prints goes to standard error from here on. */
export function takeStdout(): Writable {
  const { stdout } = process;
  const write = stdout.write.bind(stdout);
  stdout.write = process.stderr.write.bind(process.stderr);
  return new Writable({
    write: (chunk, _encoding, done) => void write(chunk, done),
  });
}
