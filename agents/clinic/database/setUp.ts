// Creates the clinic in a database that lets us: schema, data and, on request, a login that can only read.
import { readFileSync } from 'node:fs';
import { createRole, type Execute, insertRows, setUpPostgres } from '../../database/setUp.ts';
import { madeUpData } from './madeUpData.ts';

export const SCHEMA = 'clinic';
export const READER = 'clinic_reader';

/** Creates what is missing and leaves the rest alone: setting up twice is setting up once. */
async function createClinic(execute: Execute): Promise<void> {
  await execute(readFileSync(new URL('./schema.sql', import.meta.url), 'utf8'));
  await insertRows(execute, SCHEMA, madeUpData());
}

export async function setUpEmbedded(execute: Execute): Promise<void> {
  await createClinic(execute);
  await createRole(execute, SCHEMA, READER);
}

/**
 * Sets the clinic up in the PostgreSQL database at `url`, with a login that may create a schema. `reader` is a login to
 * make (or to bring up to date) that may read the clinic and nothing else: the one for `DATABASE_URL`.
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
