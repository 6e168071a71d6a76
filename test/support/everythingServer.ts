// The official example server of MCP, as a program and over HTTP, where it can be killed and started again.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const everything = fileURLToPath(import.meta.resolve('@modelcontextprotocol/server-everything/dist/index.js'));

export interface ServerOverHttp {
  readonly url: string;
  start(): Promise<void>;
  /** Kills it and starts it again. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export function everythingOverHttp(): Promise<ServerOverHttp> {
  return programOverHttp((port) => ({ args: [everything, 'streamableHttp'], env: { PORT: String(port) } }));
}

/** Starts a program that says on its standard error that it is listening. */
export async function programOverHttp(
  program: (port: number) => { readonly args: readonly string[]; readonly env: Record<string, string> },
): Promise<ServerOverHttp> {
  const port = await freePort();
  const { args, env } = program(port);
  let child: ChildProcess;
  async function start() {
    child = spawn(process.execPath, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
    for await (const line of createInterface(child.stderr!)) if (line.includes('listening')) break;
    child.stderr!.resume();
  }
  async function close() {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
  await start();
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    start,
    async restart() {
      await close();
      await start();
    },
    close,
  };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
