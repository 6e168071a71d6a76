// Finds the Temporal CLI, which contains the dev server, or installs it once into a cache that all projects share.
import { execFile } from 'node:child_process';
import { access, constants, mkdir, readdir, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cacheDir } from '../cacheDir.ts';
import { makeOnce } from './cacheLock.ts';
import { goInstall } from './goProgram.ts';
import { runLongCommand } from './longCommand.ts';

/** The version we test with, and the last one that `go install` can build: later ones have a `replace` in go.mod. */
export const TEMPORAL_CLI_VERSION = '1.5.1';

// A blocked network may drop packets silently; a slow one still makes progress.
const DOWNLOAD_STALL_MS = 60_000;
const VERSION_TIMEOUT_MS = 30_000;
const EXE = process.platform === 'win32' ? '.exe' : '';

const FOUR_WAYS = `Do one of these:
  - install the Temporal CLI so that "temporal" is on the PATH (https://docs.temporal.io/cli)
  - set HOLDFAST_TEMPORAL_CLI to the path of a Temporal CLI
  - give this machine access to https://temporal.download (HTTPS_PROXY is honoured)
  - install Go (https://go.dev/dl), to build the Temporal CLI from source`;

export interface FindTemporalCliOptions {
  /** Called line by line with progress and problems. */
  readonly say?: (line: string) => void;
  /** @default `$HOLDFAST_CACHE`, `$XDG_CACHE_HOME/holdfast` or `~/.cache/holdfast` */
  readonly cacheDir?: string;
  readonly env?: NodeJS.ProcessEnv;
  /**
   * Cancels the download after this long without progress.
   * @default 60 s
   */
  readonly downloadStallMs?: number;
}

/** Returns the path of a working Temporal CLI: from HOLDFAST_TEMPORAL_CLI, the PATH, the cache, a download or a build, in this order. */
export async function findTemporalCli(options: FindTemporalCliOptions = {}): Promise<string> {
  const { say = () => {}, env = process.env, downloadStallMs = DOWNLOAD_STALL_MS } = options;
  const named = env.HOLDFAST_TEMPORAL_CLI;
  if (named) {
    const problem = await whyItDoesNotRun(named);
    if (problem === null) return named;
    throw new Error(
      `HOLDFAST_TEMPORAL_CLI is ${named}: ${problem}. Set it to the path of a Temporal CLI, or unset it.`,
    );
  }

  const installed = await findOnPath('temporal', env);
  if (installed !== null) {
    const problem = await whyItDoesNotRun(installed);
    if (problem === null) return installed;
    say(`Temporal CLI: skipping ${installed}: ${problem}.`);
  }

  const dir = options.cacheDir ?? cacheDir(env);
  // Machines with different platforms may share a home directory.
  const cached = join(dir, `temporal-${TEMPORAL_CLI_VERSION}-${process.platform}-${process.arch}${EXE}`);
  if ((await whyItDoesNotRun(cached)) === null) return cached;
  await mkdir(dir, { recursive: true }).catch((error) => {
    throw new Error(
      `Cannot create the cache for the Temporal CLI: ${error.message}. Set HOLDFAST_CACHE to a writable directory.`,
    );
  });
  await makeOnce(
    cached,
    async (workDir) => {
      say(`Temporal CLI: not on the PATH, downloading version ${TEMPORAL_CLI_VERSION} (once) …`);
      // Returns null whatever `say` returns, which may be true from a stream's write.
      const failed = (reason: Error) => {
        say(`Temporal CLI: the download failed (${shortReason(reason)}).`);
        return null;
      };
      const made =
        (await download(workDir, env, downloadStallMs, say).catch(failed)) ?? (await build(workDir, env, say));
      say(`Temporal CLI: ready, cached as ${cached}.`);
      return made;
    },
    (holder) => say(`Temporal CLI: ${holder} is already installing it, waiting …`),
  );
  const problem = await whyItDoesNotRun(cached);
  if (problem === null) return cached;
  throw new Error(`The cached Temporal CLI, ${cached}: ${problem}. Delete it and try again.`);
}

async function findOnPath(name: string, env: NodeJS.ProcessEnv): Promise<string | null> {
  for (const dir of (env.PATH ?? '').split(delimiter).filter(Boolean)) {
    const path = join(dir, name + EXE);
    const found = await access(path, constants.X_OK).then(
      () => stat(path).then((stats) => stats.isFile()),
      () => false,
    );
    if (found) return path;
  }
  return null;
}

/** Why the program does not run; null if it does. A file that exists may be a version manager's stub or for another platform. */
async function whyItDoesNotRun(path: string): Promise<string | null> {
  try {
    const { stdout } = await promisify(execFile)(path, ['--version'], { timeout: VERSION_TIMEOUT_MS });
    return stdout.startsWith('temporal version') ? null : 'it is not the Temporal CLI';
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 'there is no such file';
    return `it does not run (${shortReason(error)})`;
  }
}

const DOWNLOAD_MAIN = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './downloadMain.ts' : './downloadMain.js', import.meta.url),
);

async function download(
  workDir: string,
  env: NodeJS.ProcessEnv,
  stallMs: number,
  say: (line: string) => void,
): Promise<string> {
  const version = `v${TEMPORAL_CLI_VERSION}`;
  await runLongCommand({
    command: process.execPath,
    args: [DOWNLOAD_MAIN, workDir, version],
    cwd: workDir,
    env,
    progress: async () => `${Math.floor((await bytesIn(workDir)) / 1e6)} MB`,
    stallMs,
    say: (progress) => say(`Temporal CLI: downloading, ${progress} …`),
  });
  // The SDK's name for the downloaded file.
  return join(workDir, `temporal-${version}${EXE}`);
}

async function bytesIn(dir: string): Promise<number> {
  // A file may be renamed between the listing and `stat`.
  const names = await readdir(dir).catch(() => []);
  const sizes = names.map((name) =>
    stat(join(dir, name)).then(
      ({ size }) => size,
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

async function build(workDir: string, env: NodeJS.ProcessEnv, say: (line: string) => void): Promise<string> {
  const go = await findOnPath('go', env);
  if (go === null) throw new Error(`No Temporal CLI is installed, and Go is needed to build it.\n${FOUR_WAYS}`);
  say('Temporal CLI: building it with Go instead; this takes about 3 minutes …');
  return goInstall({
    go,
    path: 'github.com/temporalio/cli/cmd/temporal',
    version: TEMPORAL_CLI_VERSION,
    versionIn: 'github.com/temporalio/cli/temporalcli.Version',
    workDir,
    env,
    say: (progress) => say(`Temporal CLI: building, ${progress} …`),
  }).catch((error) => {
    throw new Error(`Building the Temporal CLI with Go failed:\n${error.message}\n${FOUR_WAYS}`);
  });
}

/** The innermost cause of an error message: `dns error: Name or service not known`. */
function shortReason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.trim().split(': ').slice(-2).join(': ');
}
