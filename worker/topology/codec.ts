// The codec server as in docker-compose.yml: `holdfast codec-server`, for the Web UI.
import { fileURLToPath } from 'node:url';
import { startChild } from './child.ts';
import { IP, untilListens } from './ports.ts';

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
/** Where docker-compose.yml publishes the Web UI. */
export const UI_ORIGINS = ['http://127.0.0.1:8233', 'http://localhost:8233'];
// Node loads a few modules.
const READY_MS = 60_000;

export interface CodecServer {
  /** With its token. */
  readonly endpoint: string;
  pid(): number;
  stop(): Promise<void>;
}

export interface CodecServerOptions {
  readonly port: number;
  readonly token: string;
  /** With the payload settings of the workers. */
  readonly env: NodeJS.ProcessEnv;
  readonly folder: string;
  readonly logFile: string;
}

export async function startCodecServer({
  port,
  token,
  env,
  folder,
  logFile,
}: CodecServerOptions): Promise<CodecServer> {
  const child = await startChild({
    command: process.execPath,
    args: [MAIN, 'codec-server', '--port', String(port), '--allow-origin', UI_ORIGINS.join(',')],
    cwd: folder,
    env: { ...env, HOLDFAST_CODEC_TOKEN: token },
    logFile,
    endSignal: 'TERM',
  });
  try {
    await untilListens(port, READY_MS, child.hasEnded);
  } catch (error) {
    const why = `The codec server does not listen: ${(error as Error).message}.${await child.logTail()}`;
    await child.end('SIGKILL');
    throw new Error(why);
  }
  return { endpoint: `http://${IP}:${port}/${token}`, pid: () => child.pid, stop: () => child.end('SIGTERM') };
}
