// Refuses a login that can do more than read and write tables: a model writes some of the SQL, and whatever gets past the
// checks of it runs with the rights of the login.
import { ToolError } from '../../activities/index.ts';
import type { Database } from './database.ts';

/** `MEMBER`: with SET ROLE, a login has the rights of every role that it is in, directly or through others. */
const POWERS = `
  SELECT DISTINCT power
  FROM pg_roles AS role, LATERAL (VALUES
    ('SUPERUSER', rolsuper),
    ('BYPASSRLS', rolbypassrls),
    ('CREATEROLE', rolcreaterole),
    (rolname::text, rolname IN ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program'))
  ) AS of_role (power, has)
  WHERE has AND pg_has_role(session_user, role.oid, 'MEMBER')
  ORDER BY power`;

/** Throws if the database's login has powers that no tool needs. `setUp` is the command that makes one without. */
export async function refusePowerfulLogin(database: Database, setUp: string): Promise<void> {
  const powers = (await database.query(POWERS)).map(({ power }) => String(power));
  if (powers.length === 0) return;
  // A superuser is a member of every role.
  const has = powers.includes('SUPERUSER') ? 'SUPERUSER' : powers.join(', ');
  throw new ToolError(
    `The login in DATABASE_URL has ${has}, with which a statement could leave the database. Use one that may only read: make it with "${setUp}", and put it into DATABASE_URL.`,
  );
}
