// The programs that the images of docker-compose.yml have in them: named by the environment, cached, or built by Go, once,
// into the cache that all projects share.
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheDir } from '../cacheDir.ts';
import { makeOnce } from '../cacheLock.ts';
import { runLongCommand } from '../longCommand.ts';

/** The version of the images in docker-compose.yml. */
export const TEMPORAL_SERVER_VERSION = '1.31.2';

// Compiling says something every few seconds; linking is silent, and takes minutes where memory is short.
const BUILD_STALL_MS = 10 * 60_000;
const VERSION_TIMEOUT_MS = 30_000;
const MODULE = 'go.temporal.io/server';

interface Program {
  readonly name: string;
  readonly path: string;
  /** What `go install` calls it. */
  readonly built: string;
  readonly variable: string;
}

const SERVER: Program = {
  name: 'temporal-server',
  path: `${MODULE}/cmd/server`,
  built: 'server',
  variable: 'HOLDFAST_TEMPORAL_SERVER',
};
const SQL_TOOL: Program = {
  name: 'temporal-sql-tool',
  path: `${MODULE}/cmd/tools/sql`,
  built: 'sql',
  variable: 'HOLDFAST_TEMPORAL_SQL_TOOL',
};

export interface Programs {
  readonly server: string;
  readonly sqlTool: string;
}

/** The paths of the Temporal server and of its schema tool, of one version. */
export async function findPrograms(say: (line: string) => void, env = process.env): Promise<Programs> {
  // One after the other: the second one finds most of its packages compiled.
  const server = await find(SERVER, say, env);
  return { server, sqlTool: await find(SQL_TOOL, say, env) };
}

/** Why the programs are not at hand, and what to do; null when they are. */
export async function whyNoPrograms(env = process.env): Promise<string | null> {
  for (const program of [SERVER, SQL_TOOL])
    if ((await whyItDoesNotRun(env[program.variable] || cached(program, env))) !== null)
      return `${program.name} ${TEMPORAL_SERVER_VERSION} is not here. "npm run topology -- --build" builds it, in some minutes.`;
  return null;
}

async function find(program: Program, say: (line: string) => void, env: NodeJS.ProcessEnv): Promise<string> {
  const { name, variable } = program;
  const named = env[variable];
  if (named) {
    const problem = await whyItDoesNotRun(named);
    if (problem === null) return named;
    throw new Error(`${variable} is ${named}: ${problem}. Set it to the path of a ${name}, or unset it.`);
  }
  const path = cached(program, env);
  if ((await whyItDoesNotRun(path)) === null) return path;
  await mkdir(cacheDir(env), { recursive: true });
  await makeOnce(
    path,
    (workDir) => build(program, workDir, env, say),
    (holder) => say(`${name}: ${holder} is building it already; waiting for that …`),
  );
  const problem = await whyItDoesNotRun(path);
  if (problem === null) return path;
  throw new Error(`${name} in the cache, ${path}: ${problem}. Delete it and try again.`);
}

function cached({ name }: Program, env: NodeJS.ProcessEnv): string {
  return join(cacheDir(env), `${name}-${TEMPORAL_SERVER_VERSION}-${process.platform}-${process.arch}`);
}

async function build(
  { name, path, built, variable }: Program,
  workDir: string,
  env: NodeJS.ProcessEnv,
  say: (line: string) => void,
): Promise<string> {
  const version = `${path}@v${TEMPORAL_SERVER_VERSION}`;
  if (!(await hasGo(env)))
    throw new Error(
      `${name} is not here, and there is no Go to build it. Install Go (https://go.dev/dl), or set ${variable}.`,
    );
  say(`${name}: building version ${TEMPORAL_SERVER_VERSION} with Go, some minutes, this once …`);
  await runLongCommand({
    // Others work on this machine, too. -v names every package that is compiled; -s -w leave out the debugger's tables.
    command: 'nice',
    args: ['-n', '15', 'go', 'install', '-v', '-ldflags=-s -w', version],
    cwd: workDir,
    env: { ...env, GOBIN: workDir },
    progress: (output) => `${output.split('\n').length - 1} packages`,
    stallMs: BUILD_STALL_MS,
    say: (progress) => say(`${name}: building, ${progress} …`),
  }).catch((error) => {
    throw new Error(`${name} could not be built by "go install ${version}":\n${error.message}`);
  });
  return join(workDir, built);
}

async function hasGo(env: NodeJS.ProcessEnv): Promise<boolean> {
  return promisify(execFile)('go', ['version'], { env }).then(
    () => true,
    () => false,
  );
}

async function whyItDoesNotRun(path: string): Promise<string | null> {
  try {
    const { stdout } = await promisify(execFile)(path, ['--version'], { timeout: VERSION_TIMEOUT_MS });
    return stdout.includes(TEMPORAL_SERVER_VERSION) ? null : `it is not of version ${TEMPORAL_SERVER_VERSION}`;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 'there is no such file';
    return `it does not run (${error instanceof Error ? error.message.trim() : error})`;
  }
}
