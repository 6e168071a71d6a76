// The programs that the images of docker-compose.yml contain.
import { findGoProgram, type GoProgram, hasGoProgram } from '../dev/goProgram.ts';

/** The version of the images in docker-compose.yml. */
export const TEMPORAL_SERVER_VERSION = '1.31.2';

const MODULE = 'go.temporal.io/server';
const SERVER: GoProgram = {
  name: 'temporal-server',
  version: TEMPORAL_SERVER_VERSION,
  path: `${MODULE}/cmd/server`,
  variable: 'HOLDFAST_TEMPORAL_SERVER',
};
const SQL_TOOL: GoProgram = {
  name: 'temporal-sql-tool',
  version: TEMPORAL_SERVER_VERSION,
  path: `${MODULE}/cmd/tools/sql`,
  variable: 'HOLDFAST_TEMPORAL_SQL_TOOL',
};

export interface Programs {
  readonly server: string;
  readonly sqlTool: string;
}

/** Returns the paths of the Temporal server and its schema tool, in the same version; builds them if needed. */
export async function findPrograms(say: (line: string) => void, env = process.env): Promise<Programs> {
  // Sequential: the second build reuses most packages of the first.
  const server = await findGoProgram(SERVER, say, env);
  return { server, sqlTool: await findGoProgram(SQL_TOOL, say, env) };
}

/** Why the programs are not available, and what to do; null if they are. */
export async function whyNoPrograms(env = process.env): Promise<string | null> {
  for (const program of [SERVER, SQL_TOOL])
    if (!(await hasGoProgram(program, env)))
      return `${program.name} ${program.version} is not built. Run "npm run topology -- --build", which takes some minutes.`;
  return null;
}
