// Programs that Go builds from their published source, where nobody has put them: named by the environment, cached, or
// built, once, into the cache that all projects share.
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { cacheDir } from '../cacheDir.ts';
import { makeOnce } from './cacheLock.ts';
import { runLongCommand } from './longCommand.ts';

// Compiling says something every few seconds; linking is silent, and takes minutes where memory is short.
const BUILD_STALL_MS = 10 * 60_000;
const VERSION_TIMEOUT_MS = 30_000;

export interface GoProgram {
  readonly name: string;
  /** What it prints when it is asked for its version has this in it. */
  readonly version: string;
  /** The path of its package. */
  readonly path: string;
  /** The environment variable that names one that is there already. */
  readonly variable: string;
  /** The variable of its source that the version is to be put into, where the source does not say it. */
  readonly versionIn?: string;
}

type Say = (line: string) => void;

/** The path of a program of this version that runs here. */
export async function findGoProgram(program: GoProgram, say: Say, env = process.env): Promise<string> {
  const { name, variable } = program;
  const named = env[variable];
  if (named) {
    const problem = await whyItDoesNotRun(program, named);
    if (problem === null) return named;
    throw new Error(`${variable} is ${named}: ${problem}. Set it to the path of a ${name}, or unset it.`);
  }
  const path = cached(program, env);
  if ((await whyItDoesNotRun(program, path)) === null) return path;
  await mkdir(cacheDir(env), { recursive: true });
  await makeOnce(
    path,
    (workDir) => build(program, workDir, env, say),
    (holder) => say(`${name}: ${holder} is building it already; waiting for that …`),
  );
  const problem = await whyItDoesNotRun(program, path);
  if (problem === null) return path;
  throw new Error(`${name} in the cache, ${path}: ${problem}. Delete it and try again.`);
}

/** Whether it is at hand, with nothing to be built. */
export async function hasGoProgram(program: GoProgram, env = process.env): Promise<boolean> {
  return (await whyItDoesNotRun(program, env[program.variable] || cached(program, env))) === null;
}

function cached({ name, version }: GoProgram, env: NodeJS.ProcessEnv): string {
  return join(cacheDir(env), `${name}-${version}-${process.platform}-${process.arch}`);
}

async function build(program: GoProgram, workDir: string, env: NodeJS.ProcessEnv, say: Say): Promise<string> {
  const { name, version, variable } = program;
  if (!(await hasGo(env)))
    throw new Error(
      `${name} is not here, and there is no Go to build it. Install Go (https://go.dev/dl), or set ${variable}.`,
    );
  say(`${name}: building version ${version} with Go, some minutes, this once …`);
  return goInstall({ ...program, workDir, env, say: (progress) => say(`${name}: building, ${progress} …`) }).catch(
    (error) => {
      throw new Error(`${name} could not be built with Go:\n${error.message}`);
    },
  );
}

interface GoInstall extends Pick<GoProgram, 'path' | 'version' | 'versionIn'> {
  readonly go?: string;
  readonly workDir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly say: (elapsedAndProgress: string) => void;
}

/** The path of what `go install` has made of this version of a package. */
export async function goInstall({
  path,
  version,
  versionIn,
  go = 'go',
  workDir,
  env,
  say,
}: GoInstall): Promise<string> {
  const told = versionIn === undefined ? '' : ` -X ${versionIn}=${version}`;
  // -v names every package that is compiled; -s -w leave out the debugger's tables.
  const args = ['install', '-v', `-ldflags=-s -w${told}`, `${path}@v${version}`];
  await runLongCommand({
    command: go,
    args,
    cwd: workDir,
    env: { ...env, GOBIN: workDir },
    progress: (output) => `${output.split('\n').length - 1} packages`,
    stallMs: BUILD_STALL_MS,
    say,
  });
  return join(workDir, basename(path) + (process.platform === 'win32' ? '.exe' : ''));
}

async function hasGo(env: NodeJS.ProcessEnv): Promise<boolean> {
  return promisify(execFile)('go', ['version'], { env }).then(
    () => true,
    () => false,
  );
}

async function whyItDoesNotRun({ version }: GoProgram, path: string): Promise<string | null> {
  try {
    const { stdout } = await promisify(execFile)(path, ['--version'], { timeout: VERSION_TIMEOUT_MS });
    return stdout.includes(version) ? null : `it is not of version ${version}`;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 'there is no such file';
    return `it does not run (${error instanceof Error ? error.message.trim() : error})`;
  }
}
