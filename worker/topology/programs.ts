// The programs that the images of docker-compose.yml have in them.
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

/** The paths of the Temporal server and of its schema tool, of one version. */
export async function findPrograms(say: (line: string) => void, env = process.env): Promise<Programs> {
  // One after the other: the second one finds most of its packages compiled.
  const server = await findGoProgram(SERVER, say, env);
  return { server, sqlTool: await findGoProgram(SQL_TOOL, say, env) };
}

/** Why the programs are not at hand, and what to do; null when they are. */
export async function whyNoPrograms(env = process.env): Promise<string | null> {
  for (const program of [SERVER, SQL_TOOL])
    if (!(await hasGoProgram(program, env)))
      return `${program.name} ${program.version} is not here. "npm run topology -- --build" builds it, in some minutes.`;
  return null;
}
