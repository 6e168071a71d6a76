// A real S3 server of one's own, on a folder: Versity's gateway, built by Go where it is not at hand. Run as a program,
// this file does no more than that.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { findGoProgram, type GoProgram, hasGoProgram } from '../../worker/dev/goProgram.ts';
import { freePorts, IP, listens } from '../../worker/topology/ports.ts';

const SERVER: GoProgram = {
  name: 'versitygw',
  version: '1.8.0',
  path: 'github.com/versity/versitygw/cmd/versitygw',
  variable: 'HOLDFAST_S3_SERVER',
  versionIn: 'main.Version',
};
const POLL_MS = 50;

export interface S3 {
  /** What AWS's own client reads: where the server is, and who may use it. */
  readonly env: Readonly<Record<string, string>>;
  /** Where it keeps its buckets, a folder each; one that is made here is a bucket. */
  readonly folder: string;
  stop(): Promise<void>;
}

/** Why it cannot run here; never in CI, where a part that is missing is a failure. */
export const noS3: string | false =
  process.env['CI'] || (await hasGoProgram(SERVER))
    ? false
    : `${SERVER.name} ${SERVER.version} is not here. "npx node test/support/s3.ts" builds it.`;

export async function startS3(region: string): Promise<S3> {
  const program = await findGoProgram(SERVER, console.error);
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-s3-'));
  const [buckets, sidecar] = [join(folder, 'buckets'), join(folder, 'attributes')];
  await Promise.all([buckets, sidecar].map((path) => mkdir(path)));
  const [port] = await freePorts(1);
  const keys = { ROOT_ACCESS_KEY: 'holdfast', ROOT_SECRET_KEY: 'holdfast-secret' };
  const server = spawn(
    program,
    ['--quiet', '--region', region, '--port', `${IP}:${port}`, 'posix', '--sidecar', sidecar, buckets],
    { env: { ...process.env, ...keys }, stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const kill = () => server.kill('SIGKILL');
  process.once('exit', kill);
  while (!(await listens(port!))) {
    if (hasEnded(server)) throw new Error(`${SERVER.name} ended at once.`);
    await pause(POLL_MS);
  }
  return {
    env: {
      AWS_ENDPOINT_URL_S3: `http://${IP}:${port}`,
      AWS_ACCESS_KEY_ID: keys.ROOT_ACCESS_KEY,
      AWS_SECRET_ACCESS_KEY: keys.ROOT_SECRET_KEY,
    },
    folder: buckets,
    async stop() {
      process.off('exit', kill);
      if (!hasEnded(server)) {
        kill();
        await once(server, 'exit');
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

if (import.meta.main) console.log(await findGoProgram(SERVER, console.log));
