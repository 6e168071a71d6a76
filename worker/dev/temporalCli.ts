// Finds the Temporal CLI, which has the dev server in it; or gets it, once, into a cache that all projects share.
import { execFile } from 'node:child_process';
import { access, constants, mkdir, readdir, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cacheDir } from '../cacheDir.ts';
import { makeOnce } from './cacheLock.ts';
import { goInstall } from './goProgram.ts';
import { runLongCommand } from './longCommand.ts';

/** The version that the project is tested with, and the last one that `go install` can build (later: a `replace`). */
export const TEMPORAL_CLI_VERSION = '1.5.1';

// A network that is blocked may swallow packets; a slow one still moves.
const DOWNLOAD_STALL_MS = 60_000;
const VERSION_TIMEOUT_MS = 30_000;
const EXE = process.platform === 'win32' ? '.exe' : '';

const FOUR_WAYS = `Any of these helps:
  - install the Temporal CLI so that "temporal" is on the PATH (https://docs.temporal.io/cli)
  - set HOLDFAST_TEMPORAL_CLI to the path of a Temporal CLI
  - let this machine reach https://temporal.download (HTTPS_PROXY is honoured)
  - install Go (https://go.dev/dl), with which the Temporal CLI is built here`;

export interface FindTemporalCliOptions {
  /** Is told, line by line, what takes long and what did not work. */
  readonly say?: (line: string) => void;
  /** `$HOLDFAST_CACHE`, `$XDG_CACHE_HOME/holdfast` or `~/.cache/holdfast` when not said. */
  readonly cacheDir?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** The download is given up when nothing arrives for this long; 60 s when not said. */
  readonly downloadStallMs?: number;
}

/** The path of a Temporal CLI that runs here: named, on the PATH, cached, downloaded or built, in this order. */
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
    say(`Temporal CLI: ${installed} is passed over: ${problem}.`);
  }

  const dir = options.cacheDir ?? cacheDir(env);
  // A home directory may be shared by machines of several kinds.
  const cached = join(dir, `temporal-${TEMPORAL_CLI_VERSION}-${process.platform}-${process.arch}${EXE}`);
  if ((await whyItDoesNotRun(cached)) === null) return cached;
  await mkdir(dir, { recursive: true }).catch((error) => {
    throw new Error(`The Temporal CLI needs a place: ${error.message}. Set HOLDFAST_CACHE to a directory of yours.`);
  });
  await makeOnce(
    cached,
    async (workDir) => {
      say(`Temporal CLI: not on the PATH, so version ${TEMPORAL_CLI_VERSION} is downloaded, this once …`);
      // Null, whatever `say` returns: a stream's write says true.
      const failed = (reason: Error) => {
        say(`Temporal CLI: the download failed (${shortReason(reason)}).`);
        return null;
      };
      const made =
        (await download(workDir, env, downloadStallMs, say).catch(failed)) ?? (await build(workDir, env, say));
      say(`Temporal CLI: ready, kept as ${cached}.`);
      return made;
    },
    (holder) => say(`Temporal CLI: ${holder} is getting it already; waiting for that …`),
  );
  const problem = await whyItDoesNotRun(cached);
  if (problem === null) return cached;
  throw new Error(`The Temporal CLI in the cache, ${cached}: ${problem}. Delete it and try again.`);
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

/** Null when it runs: being there is not enough, it may be a version manager's stub or made for another machine. */
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
  // The SDK's own name for what it downloads.
  return join(workDir, `temporal-${version}${EXE}`);
}

async function bytesIn(dir: string): Promise<number> {
  // A file may be renamed between listing and looking.
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
  if (go === null) throw new Error(`No Temporal CLI: none is installed, and there is no Go to build it.\n${FOUR_WAYS}`);
  say('Temporal CLI: building it with Go instead, about 3 minutes …');
  return goInstall({
    go,
    path: 'github.com/temporalio/cli/cmd/temporal',
    version: TEMPORAL_CLI_VERSION,
    versionIn: 'github.com/temporalio/cli/temporalcli.Version',
    workDir,
    env,
    say: (progress) => say(`Temporal CLI: building, ${progress} …`),
  }).catch((error) => {
    throw new Error(`The Temporal CLI could not be built with Go:\n${error.message}\n${FOUR_WAYS}`);
  });
}

/** The cause at the end of a chain of them: `dns error: Name or service not known`. */
function shortReason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.trim().split(': ').slice(-2).join(': ');
}
