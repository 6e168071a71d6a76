// Creates the clinic in a database: schema, data and, on request, a read-only login.
import { readFileSync } from 'node:fs';
import { createRole, type Execute, insertRows, setUpPostgres } from '../../database/setUp.ts';
import { exampleData } from './exampleData.ts';

export const SCHEMA = 'clinic';
export const READER = 'clinic_reader';

/** Idempotent: creates what is missing and changes nothing else. */
async function createClinic(execute: Execute): Promise<void> {
  await execute(readFileSync(new URL('./schema.sql', import.meta.url), 'utf8'));
  await insertRows(execute, SCHEMA, exampleData());
}

export async function setUpEmbedded(execute: Execute): Promise<void> {
  await createClinic(execute);
  await createRole(execute, SCHEMA, READER);
}

/**
 * Sets up the clinic in the PostgreSQL database at `url`, whose login may create a schema. `reader` is a login to create
 * or update that may read the clinic and nothing else; use it in `DATABASE_URL`.
 */
export async function setUpClinic(
  url: string,
  reader?: { readonly role: string; readonly password: string },
): Promise<void> {
  await setUpPostgres(url, async (execute) => {
    await createClinic(execute);
    if (reader) await createRole(execute, SCHEMA, reader.role, reader.password);
  });
}
