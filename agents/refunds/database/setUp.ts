// Creates the shop in a database: schema, data, and logins that can do only what the tools do.
import { readFileSync } from 'node:fs';
import { createRole, type Execute, insertRows, setUpPostgres } from '../../database/setUp.ts';
import { exampleData } from './exampleData.ts';

export const SCHEMA = 'refunds';
export const READER = 'refunds_reader';
/** May read everything and add to the ledger and the rejections, but change or delete nothing. */
export const CLERK = 'refunds_clerk';

async function createShop(execute: Execute): Promise<void> {
  await execute(readFileSync(new URL('./schema.sql', import.meta.url), 'utf8'));
  await insertRows(execute, SCHEMA, exampleData());
}

async function createClerk(execute: Execute, password?: string): Promise<void> {
  await createRole(execute, SCHEMA, CLERK, password);
  await execute(`GRANT INSERT ON ${SCHEMA}.refunds, ${SCHEMA}.rejections TO ${CLERK}`);
}

export async function setUpEmbedded(execute: Execute): Promise<void> {
  await createShop(execute);
  await createRole(execute, SCHEMA, READER);
  await createClerk(execute);
}

/** Sets up the shop in the PostgreSQL at `url`, whose login may create a schema; with a password, also the clerk's login. */
export async function setUpRefunds(url: string, clerkPassword?: string): Promise<void> {
  await setUpPostgres(url, async (execute) => {
    await createShop(execute);
    if (clerkPassword !== undefined) await createClerk(execute, clerkPassword);
  });
}
