// Finds a program that an environment variable names or that is cached, or builds it once with Go, from its published source,
// into the cache that all projects share.
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { cacheDir } from '../cacheDir.ts';
import { makeOnce } from './cacheLock.ts';
import { runLongCommand } from './longCommand.ts';

// Compiling prints a line every few seconds; linking is silent, and takes minutes if memory is short.
const BUILD_STALL_MS = 10 * 60_000;
const VERSION_TIMEOUT_MS = 30_000;

export interface GoProgram {
  readonly name: string;
  /** Contained in the output of `--version`. */
  readonly version: string;
  /** Go package path. */
  readonly path: string;
  /** Environment variable with the path of an installed program. */
  readonly variable: string;
  /** Go variable to set to the version when linking, if the source does not contain it. */
  readonly versionIn?: string;
}

type Say = (line: string) => void;

/** Returns the path of the program in this version: named by its variable, cached, or built with Go. */
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
    (holder) => say(`${name}: ${holder} is already building it, waiting …`),
  );
  const problem = await whyItDoesNotRun(program, path);
  if (problem === null) return path;
  throw new Error(`The cached ${name}, ${path}: ${problem}. Delete it and try again.`);
}

/** Whether the program is available without building it. */
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
      `${name} is not installed, and Go is needed to build it. Install Go (https://go.dev/dl), or set ${variable} to its path.`,
    );
  say(`${name}: building version ${version} with Go; this takes some minutes, once …`);
  return goInstall({ ...program, workDir, env, say: (progress) => say(`${name}: building, ${progress} …`) }).catch(
    (error) => {
      throw new Error(`Building ${name} with Go failed:\n${error.message}`);
    },
  );
}

interface GoInstall extends Pick<GoProgram, 'path' | 'version' | 'versionIn'> {
  readonly go?: string;
  readonly workDir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly say: (elapsedAndProgress: string) => void;
}

/** Runs `go install` for this version of a package, and returns the path of the program. */
export async function goInstall({
  path,
  version,
  versionIn,
  go = 'go',
  workDir,
  env,
  say,
}: GoInstall): Promise<string> {
  const setVersion = versionIn === undefined ? '' : ` -X ${versionIn}=${version}`;
  // -v prints every compiled package; -s -w omit the debugger's tables.
  const args = ['install', '-v', `-ldflags=-s -w${setVersion}`, `${path}@v${version}`];
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
    return stdout.includes(version) ? null : `it is not version ${version}`;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 'there is no such file';
    return `it does not run (${error instanceof Error ? error.message.trim() : error})`;
  }
}
